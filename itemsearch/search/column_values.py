"""The values of a column that results have to differ in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.searching.allowed import UNKNOWN


@dataclass(frozen=True, slots=True)
class Labels:
    """of_rows (N,) int64: the number of each product's value in `values`, `UNKNOWN` where it is missing."""

    of_rows: Rows
    values: pa.Array

    @classmethod
    def from_column(cls, listings: pa.Table, name: str) -> Self:
        """
        Raises:
            UsageError: no such column, or not one of text, numbers or the like.
        """
        if name not in listings.column_names:
            present = ", ".join(map(repr, listings.column_names))
            raise UsageError(f"no column {name!r} to differ in; the columns are {present}")
        try:
            text = listings[name].cast(pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            kind = listings[name].type
            raise UsageError(f"column {name!r} is {kind}: results can differ in text or numbers") from error
        values = pc.unique(text.filter(pc.not_equal(text, "")))
        return cls(_numbers(text, values), values)

    def numbers_of(self, values: Sequence[str | None]) -> Rows:
        """(Q,) the number of each value; `UNKNOWN` where it is missing, another where no product has it."""
        text = pa.array(values, pa.string())
        given = np.array(pc.fill_null(pc.not_equal(text, ""), False), bool)
        numbers = _numbers(text, self.values)
        numbers[given & (numbers == UNKNOWN)] = len(self.values)
        return numbers


def _numbers(text: pa.Array | pa.ChunkedArray, values: pa.Array) -> Rows:
    return np.array(pc.fill_null(pc.index_in(text, values), UNKNOWN), np.int64)
