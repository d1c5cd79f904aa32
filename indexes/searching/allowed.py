"""Filters of search results: the allowed rows, a row to exclude, and labels that have to differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Mask, Rows
from itemsearch.indexes.storage.distinct import DistinctVectors

UNKNOWN = -1
"""The label of a row whose label is not known: it counts as equal to every label."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The rows that results may contain, and the entries of the index that have such rows.

    mask: (N,) bool, True for an allowed row. distinct: the A entries with allowed rows, numbered anew, and
    those rows. entries: (A,) int64, their numbers in the index, ascending. bits: uint8, one bit for each
    entry of the index, little-endian, as FAISS reads them.
    """

    mask: Mask
    distinct: DistinctVectors
    entries: Rows
    bits: npt.NDArray[np.uint8]

    @classmethod
    def from_mask(cls, mask: Mask, distinct: DistinctVectors) -> Self:
        """From an (N,) mask of rows and all entries; an entry is allowed if one of its rows is."""
        # Entries 0 to 2 have the rows [0 3], [1] and [2]; rows 0, 2 and 3 are allowed:
        #   distinct.rows [0 3 1 2]    offsets [0 2 3 4]
        #   kept          [1 1 0 1]    allowed rows, in the order of distinct.rows
        #   sizes         [2 0 1]      allowed rows of each entry
        #   entries       [0 2]        new rows [0 3 2], new offsets [0 2 3]
        kept = mask[distinct.rows]
        sizes = np.diff(np.append(0, np.cumsum(kept))[distinct.offsets])
        entries = np.flatnonzero(sizes)
        some = DistinctVectors(distinct.rows[kept], np.append(0, np.cumsum(sizes[entries])))
        return cls(mask, some, entries, np.packbits(sizes > 0, bitorder="little"))

    def numbers(self, entries: Rows) -> Rows:
        """Translates entries of the index to entries of `distinct`, which is not empty; -1 for those that are
        not allowed."""
        places = np.minimum(np.searchsorted(self.entries, entries), len(self.entries) - 1)
        return np.where(self.entries[places] == entries, places, -1)

    def selector(self) -> Any:
        """The FAISS selector of the allowed entries; it reads `bits` in place."""
        return faiss.IDSelectorBitmap(len(self.bits), faiss.swig_ptr(self.bits))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the results of Q queries.

    exclude: (Q,) int64, a row to leave out for each query, such as its own; -1 for none. allowed: the rows
    that the results of all queries may contain; None for all rows. labels: (N,) int64 and own: (Q,) int64, or
    both None: results only contain rows whose label differs from that of the query.
    """

    exclude: Rows | None = None
    allowed: Allowed | None = None
    labels: Rows | None = None
    own: Rows | None = None
