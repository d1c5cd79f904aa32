"""Which rows an answer may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Mask, Rows
from itemsearch.indexes.storage.distinct import DistinctVectors

UNKNOWN = -1
"""A label that differs from none, and that none differs from."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Rows that may be answered, and the entries of the index that hold them.

    mask (N,). distinct: those entries alone, numbered anew, each with its allowed rows alone. entries (A,)
    int64: their numbers in the index, ascending. bits: one for each entry of the index, as FAISS reads them.
    """

    mask: Mask
    distinct: DistinctVectors
    entries: Rows
    bits: npt.NDArray[np.uint8]

    @classmethod
    def from_mask(cls, mask: Mask, distinct: DistinctVectors) -> Self:
        """From (N,) rows and all the entries they are held in; an entry counts when one of its rows does."""
        kept = mask[distinct.rows]
        sizes = np.diff(np.append(0, np.cumsum(kept))[distinct.offsets])
        entries = np.flatnonzero(sizes)
        some = DistinctVectors(distinct.rows[kept], np.append(0, np.cumsum(sizes[entries])))
        return cls(mask, some, entries, np.packbits(sizes > 0, bitorder="little"))

    def numbers(self, entries: Rows) -> Rows:
        """From numbers in the index to those in `distinct`, which is not empty; -1 for one not there."""
        places = np.minimum(np.searchsorted(self.entries, entries), len(self.entries) - 1)
        return np.where(self.entries[places] == entries, places, -1)

    def selector(self) -> Any:
        """FAISS's; it reads `bits` where they are."""
        return faiss.IDSelectorBitmap(len(self.bits), faiss.swig_ptr(self.bits))


@dataclass(frozen=True, slots=True)
class Limits:
    """What the answers to Q queries may hold.

    exclude (Q,) int64: a row to leave out, such as the query's own; -1 for none. allowed: the rows that all
    answers are made of; None for every row. labels (N,) and own (Q,) int64, or neither: only rows whose label
    differs from the query's own.
    """

    exclude: Rows | None = None
    allowed: Allowed | None = None
    labels: Rows | None = None
    own: Rows | None = None
