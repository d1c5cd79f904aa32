"""Numbers the values of a column in which results have to differ from their query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.columns import no_column
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.searching.allowed import UNKNOWN


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column of N listings, as numbers.

    of_rows: (N,) int64, the place of each listing's value in `values`; `UNKNOWN` where the value is missing.
    values: the V different values, as text.
    """

    of_rows: Rows
    values: pa.Array

    @classmethod
    def from_column(cls, listings: pa.Table, name: str) -> Self:
        """Reads a column.

        Raises:
            UsageError: there is no such column, or its type cannot be written as text.
        """
        if name not in listings.column_names:
            raise UsageError(no_column(listings.column_names, name, purpose=" to differ in"))
        try:
            text = listings[name].cast(pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            kind = listings[name].type
            raise UsageError(f"column {name!r} is {kind}: results can differ in text or numbers") from error
        values = pc.unique(text.filter(pc.not_equal(text, "")))
        return cls(_places(text, values), values)

    def numbers_of(self, values: Sequence[str | None]) -> Rows:
        """(Q,) int64: the number of each value, V for a value that no listing has, `UNKNOWN` for none."""
        text = pa.array(values, pa.string())
        is_given = np.array(pc.fill_null(pc.not_equal(text, ""), False), bool)
        numbers = _places(text, self.values)
        numbers[is_given & (numbers == UNKNOWN)] = len(self.values)
        return numbers


def _places(text: pa.Array | pa.ChunkedArray, values: pa.Array) -> Rows:
    return np.array(pc.fill_null(pc.index_in(text, values), UNKNOWN), np.int64)
