"""Filters results: by an SQL condition, and by a column in which they differ from the query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.searching.allowed import Allowed, Limits
from itemsearch.indexes.searching.vector_index import VectorIndex

if TYPE_CHECKING:
    from itemsearch.search.column_values import ColumnValues


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions that results have to meet.

    where: an SQL condition on the listings' columns; "" for none.
    other: a column in which a result differs from its query, such as the seller; "" for none. A missing value
        and the empty text differ from nothing: such a listing is in no result, and such a query has none.
    """

    where: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class PreparedFilter:
    """A filter, evaluated on the listings of one index.

    allowed: the listings that meet the condition; None without one. column_values: the values of the column
    to differ in; None without one.
    """

    allowed: Allowed | None = None
    column_values: ColumnValues | None = None

    @classmethod
    def of(cls, filter: Filter, listings: pa.Table, index: VectorIndex) -> Self:
        """Evaluates a filter on an index's listings.

        Raises:
            UsageError: the condition cannot be evaluated, or there is no such column.
        """
        # Arrow's functions and DuckDB take time to import, and most searches have no filter.
        from itemsearch.search.column_values import ColumnValues
        from itemsearch.search.where import rows_where

        return cls(
            index.allow(rows_where(listings, filter.where)) if filter.where else None,
            ColumnValues.from_column(listings, filter.other) if filter.other else None,
        )

    def rows(self, total: int) -> Rows:
        """(R,) int64: the rows, of `total`, that meet the condition, ascending."""
        return np.arange(total) if self.allowed is None else np.flatnonzero(self.allowed.mask)

    def for_rows(self, rows: Rows) -> Limits:
        """The limits of queries that are (Q,) listings of the index, each left out of its own result."""
        if self.column_values is None:
            return Limits(rows, self.allowed)
        of_rows = self.column_values.of_rows
        return Limits(rows, self.allowed, of_rows, of_rows[rows])

    def for_values(self, values: Sequence[str | None]) -> Limits:
        """The limits of Q queries with these values of the column to differ in."""
        if self.column_values is None:
            return Limits(None, self.allowed)
        numbers = self.column_values.numbers_of(values)
        return Limits(None, self.allowed, self.column_values.of_rows, numbers)


NO_FILTER = Filter()
ALL_LISTINGS = PreparedFilter()
