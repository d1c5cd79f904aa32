"""Which pairs of listings of a catalog are one product: from a file of pairs, or from a column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from itemsearch.catalog.cell_text import BadCellError, cell_text
from itemsearch.catalog.formats.open import open_tables
from itemsearch.columns import no_column
from itemsearch.duplicates.groups.linkage import components
from itemsearch.errors import CatalogError, MissingColumnError
from itemsearch.indexes.arrays import Ints, Mask, Rows
from itemsearch.indexes.searching.allowed import UNKNOWN

PAIR_COLUMNS = ("id_a", "id_b")
BATCH = 4096

RowOf = Callable[[str], int | None]
"""From an id to its row in the index, None where the index lacks it."""


@dataclass(frozen=True, slots=True)
class TruePairs:
    """The pairs of N listings that are one product; every other pair is two products.

    keys: (T,) a * N + b of the rows a < b, ascending, each once. products: (N,) a number below N of each
    listing's product: listings that pairs connect have the same.
    """

    keys: Ints
    products: Ints

    @classmethod
    def of_rows(cls, a: Rows, b: Rows, labels: Ints) -> Self:
        """Of (T,) rows a and b; a pair that `may_pair` refuses by the (N,) `labels` is no true pair."""
        kept = may_pair(labels[a], labels[b])
        return cls(np.unique(pair_keys(a, b, len(labels))[kept]), components(len(labels), a, b))

    @classmethod
    def of_products(cls, products: Ints, labels: Ints) -> Self:
        """Of all pairs of listings of one of the (N,) `products`; `UNKNOWN` is a product of its own."""
        own = len(products) + np.arange(len(products))
        products = np.where(products == UNKNOWN, own, products)
        return cls.of_rows(*pairs_within(products), labels)


def may_pair(labels_a: Ints, labels_b: Ints) -> Mask:
    """Whether listings of these labels, such as the numbers of their sellers, are compared: labels differ,
    and `UNKNOWN` differs from nothing. Shapes broadcast."""
    differ: Mask = (labels_a != labels_b) & (labels_a != UNKNOWN) & (labels_b != UNKNOWN)
    return differ


def pairs_within(groups: Ints) -> tuple[Rows, Rows]:
    """All pairs of rows of one group: groups [0, 1, 0, 0] give 0-2, 0-3 and 2-3.

    Args:
        groups: (N,) numbers from 0.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    several = (members for members in np.split(order, starts[1:]) if len(members) > 1)
    found = [members[np.stack(np.triu_indices(len(members), 1))] for members in several]
    a, b = np.concatenate([np.empty((2, 0), np.int64), *found], axis=1)
    return a, b


def pair_keys(a: Rows, b: Rows, count: int) -> Ints:
    """(K,) one number for each pair of `count` rows, whichever comes first."""
    keys: Ints = np.minimum(a, b) * count + np.maximum(a, b)
    return keys


def read_true_pairs(path: str, row_of: RowOf) -> tuple[Rows, Rows]:
    """Reads pairs that are one product from CSV, TSV, JSONL or Parquet with the columns id_a and id_b.

    Returns:
        (T,) int64 rows a and (T,) rows b; none of a file that has only its header.

    Raises:
        MissingColumnError: no column id_a or id_b.
        CatalogError: no such file, a damaged one, or a row whose listings are not two of the index.
    """
    a, b = [], []
    for table in open_tables(path):
        for name in PAIR_COLUMNS:
            if name not in table.schema.names:
                problem = no_column(table.schema.names, name)
                raise MissingColumnError(f"{table.source}: {problem}: true pairs have id_a and id_b")
        for records in table.read(PAIR_COLUMNS, pa.schema([]), BATCH):
            columns = [records.columns[name] for name in PAIR_COLUMNS]
            for place, problem, *ids in zip(records.places, records.problems, *columns, strict=True):
                try:
                    if problem:
                        raise BadCellError(problem)
                    one, other = (_row(name, id, row_of) for name, id in zip(PAIR_COLUMNS, ids, strict=True))
                    if one == other:
                        raise BadCellError(f"id_a and id_b are one listing, {ids[0]!r:.60}")
                except BadCellError as error:
                    raise CatalogError(f"{path}: {place}: {error}; mend the row or remove it") from error
                a.append(one)
                b.append(other)
    return np.array(a, np.int64), np.array(b, np.int64)


def _row(column: str, cell: object, row_of: RowOf) -> int:
    id = cell_text("id", cell).strip()
    row = row_of(id)
    if row is None:
        raise BadCellError(f"the {column} {id!r:.60} is no listing that was embedded")
    return row
