"""Which products may be results: those that fulfil a condition, those of another seller than the query's."""

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
    from itemsearch.search.column_values import Labels


@dataclass(frozen=True, slots=True)
class Filter:
    """What results have to be.

    where: an SQL condition on the products' columns; "" for none.
    other: a column in which they differ from the query; "" for none. A value that is missing, or the empty
        text, differs from none: such a product is in no answer, and such a query gets none.
    """

    where: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A filter made ready for an index's products. allowed, labels: None where it asks for neither."""

    allowed: Allowed | None = None
    labels: Labels | None = None

    @classmethod
    def of(cls, wanted: Filter, listings: pa.Table, index: VectorIndex) -> Self:
        """
        Raises:
            UsageError: a condition that is none, or a column that is not there.
        """
        from itemsearch.search.column_values import Labels  # Arrow's functions, which few searches need
        from itemsearch.search.where import rows_where

        return cls(
            index.allow(rows_where(listings, wanted.where)) if wanted.where else None,
            Labels.from_column(listings, wanted.other) if wanted.other else None,
        )

    def rows(self, total: int) -> Rows:
        """The products, of `total`, that may be results."""
        return np.arange(total) if self.allowed is None else np.flatnonzero(self.allowed.mask)

    def for_rows(self, rows: Rows) -> Limits:
        """For queries that are products themselves, left out of their own answers."""
        if self.labels is None:
            return Limits(rows, self.allowed)
        return Limits(rows, self.allowed, self.labels.of_rows, self.labels.of_rows[rows])

    def for_values(self, values: Sequence[str | None]) -> Limits:
        """For queries whose values of the column to differ in are these."""
        if self.labels is None:
            return Limits(None, self.allowed)
        return Limits(None, self.allowed, self.labels.of_rows, self.labels.numbers_of(values))


ALL_PRODUCTS = Filter()
NOT_NARROWED = Narrowing()
