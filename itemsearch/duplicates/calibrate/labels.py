"""Reads labels: pairs of listings that are one product or two, or groups of listings that are one product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa

from itemsearch.catalog.cell_text import BadCellError, cell_text
from itemsearch.catalog.formats.open import open_tables
from itemsearch.catalog.formats.tables import Table
from itemsearch.columns import no_column
from itemsearch.duplicates.groups.linkage import components
from itemsearch.errors import EmptyCatalogError, MissingColumnError
from itemsearch.indexes.arrays import Ints, Mask

PAIR_COLUMNS = ("id_a", "id_b", "same")
GROUP_COLUMNS = ("id", "group")
UNKNOWN = -1
_SAME = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_BATCH = 4096

RowOf = Callable[[str], int | None]
"""From an id to its row in the index, None where the index lacks it."""
Groups = Mapping[int, str]
"""Row to the name of its labelled group."""
RowPairLabels = Mapping[tuple[int, int], bool]
"""(Row, row), the lower one first, to whether the two listings are one product."""


@dataclass(frozen=True, slots=True)
class RefusedLabel:
    """A row of labels that cannot be used, and why; rows count from 1 over all files."""

    row: int
    message: str


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The count of the rows of labels: rows = used + len(refused)."""

    rows: int
    used: int
    refused: tuple[RefusedLabel, ...]


@dataclass(frozen=True, slots=True)
class DuplicateLabels:
    """The labels of the N listings of an index.

    group: (N,) the number of each listing's labelled group, `UNKNOWN` for none; listings of different groups
    are different products. pairs: labels of pairs, which override the groups. product: (N,) the number, below
    N, of each listing's product by groups and pairs together, `UNKNOWN` for none. reviewed: the pairs that
    people decided in the review, to whether they were drawn at random.
    """

    group: Ints
    pairs: RowPairLabels
    product: Ints
    reviewed: RowPairLabels = field(default_factory=dict)

    @classmethod
    def of(
        cls, groups: Groups, pairs: RowPairLabels, count: int, reviewed: RowPairLabels | None = None
    ) -> Self:
        """Combines labels of groups and of pairs of `count` listings."""
        group = np.full(count, UNKNOWN)
        first: dict[str, int] = {}
        for row, name in groups.items():
            group[row] = first.setdefault(name, row)
        members = np.flatnonzero(group != UNKNOWN)
        same = np.array([pair for pair, is_same in pairs.items() if is_same], np.int64).reshape(-1, 2)
        lowest = components(
            count, np.concatenate([members, same[:, 0]]), np.concatenate([group[members], same[:, 1]])
        )
        known = np.union1d(members, np.array(list(pairs), np.int64).reshape(-1))
        product = np.full(count, UNKNOWN)
        product[known] = lowest[known]
        return cls(group, pairs, product, reviewed or {})

    def judge(self, a: Ints, b: Ints) -> tuple[Mask, Mask]:
        """(P,) whether each pair of rows has a label, and (P,) whether it is one product."""
        known = (self.group[a] != UNKNOWN) & (self.group[b] != UNKNOWN)
        same = known & (self.group[a] == self.group[b])
        if self.pairs:
            for place, pair in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
                label = self.pairs.get((min(pair), max(pair)))
                if label is not None:
                    known[place], same[place] = True, label
        return known, same

    def same_pairs(self) -> Ints:
        """(N,) for each product's number, how many pairs of its listings are labelled as one product."""
        counts = np.zeros(len(self.product), np.int64)
        first, listings = np.unique(self.group[self.group != UNKNOWN], return_counts=True)
        np.add.at(counts, self.product[first], listings * (listings - 1) // 2)
        for (a, b), is_same in self.pairs.items():
            grouped = self.group[a] != UNKNOWN and self.group[a] == self.group[b]
            counts[self.product[a]] += int(is_same) - int(grouped)
        return counts


def read_labels(path: str, row_of: RowOf) -> tuple[Groups, RowPairLabels, LabelReport]:
    """Reads labels of pairs or of groups from CSV, TSV, JSONL or Parquet.

    The columns are id_a, id_b and same (true or false, yes or no, 1 or 0), or id and group. A label may occur
    twice; a row that contradicts an earlier one is refused.

    Raises:
        CatalogError: no such file, damaged, or without these columns.
        EmptyCatalogError: no row can be used.
    """
    tables = open_tables(path)
    pairs = any(PAIR_COLUMNS[0] in table.schema.names for table in tables)
    wanted = PAIR_COLUMNS if pairs else GROUP_COLUMNS
    for table in tables:
        missing = [name for name in wanted if name not in table.schema.names]
        if missing and table.schema.names:
            problem = no_column(table.schema.names, missing[0])
            raise MissingColumnError(
                f"{table.source}: {problem}: labels have id_a, id_b and same, or id and group"
            )
    parse = _pair if pairs else _member
    labels: dict[tuple[int, ...], str | bool] = {}
    refused, rows = [], 0
    for rows, (place, problem, cells) in enumerate(_records(tables, wanted), 1):
        try:
            if problem:
                raise BadCellError(problem)
            key, value = parse(cells, row_of)
            if labels.setdefault(key, value) != value:
                raise BadCellError(f"an earlier row says {labels[key]!r} of the same, not {value!r}")
        except BadCellError as error:
            refused.append(RefusedLabel(rows, f"{place}: {error}"))
    report = LabelReport(rows, rows - len(refused), tuple(refused))
    if not labels:
        why = f"; the first: {refused[0].message}" if refused else ""
        raise EmptyCatalogError(f"{path}: no label that can be used among {rows} rows{why}")
    if pairs:
        return {}, {(a, b): value is True for (a, b), value in labels.items()}, report
    return {row: str(value) for (row,), value in labels.items()}, {}, report


def labelled_pairs(decisions: pa.Table, row_of: RowOf) -> tuple[RowPairLabels, RowPairLabels]:
    """The labels of a table of id_a, id_b, same and drawn, and which of them were drawn at random; pairs of
    listings that the index lacks are left out."""
    labels, drawn = {}, {}
    for pair in decisions.to_pylist():
        a, b = row_of(pair["id_a"]), row_of(pair["id_b"])
        if a is not None and b is not None:
            rows = min(a, b), max(a, b)
            labels[rows], drawn[rows] = bool(pair["same"]), bool(pair["drawn"])
    return labels, drawn


def _records(
    tables: tuple[Table, ...], wanted: tuple[str, ...]
) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    for table in tables:
        for records in table.read(wanted, pa.schema([]), _BATCH):
            columns = [records.columns[name] for name in wanted]
            for place, problem, *cells in zip(records.places, records.problems, *columns, strict=True):
                yield place, problem, dict(zip(wanted, cells, strict=True))


def _pair(cells: Mapping[str, object], row_of: RowOf) -> tuple[tuple[int, ...], bool]:
    a, b = _row(cells, "id_a", row_of), _row(cells, "id_b", row_of)
    if a == b:
        raise BadCellError("id_a and id_b are one listing")
    same = cells["same"]
    text = str(same).strip().casefold()
    if same is None or text not in _SAME:
        raise BadCellError(f"same is {same!r:.60}: write true or false, yes or no, 1 or 0")
    return (min(a, b), max(a, b)), _SAME[text]


def _member(cells: Mapping[str, object], row_of: RowOf) -> tuple[tuple[int, ...], str]:
    row = _row(cells, "id", row_of)
    group = cell_text("id", cells["group"]).strip()
    if not group:
        raise BadCellError("no group")
    return (row,), group


def _row(cells: Mapping[str, object], column: str, row_of: RowOf) -> int:
    id = cell_text("id", cells[column]).strip()
    if not id:
        raise BadCellError(f"no {column}")
    row = row_of(id)
    if row is None:
        raise BadCellError(f"the {column} {id!r:.60} is not in the index")
    return row
