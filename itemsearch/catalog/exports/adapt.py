"""Gives the tables of data sets the columns that their layout implies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from itemsearch.catalog.exports.folding import Cells, Parse
from itemsearch.catalog.formats.delimited import DelimitedTable
from itemsearch.catalog.formats.tables import Records, Table, TextRecord, TextTable, WrappedTable

ROW_ID = "id"


def folded(fold: Callable[[Parse], Parse]) -> Callable[[Table], Table]:
    """An adaption that folds the records of text tables; tables of other formats stay as they are."""

    def adapt(table: Table) -> Table:
        text = _as_text(table)
        return table if text is None else replace(text, parse=fold(text.parse))

    return adapt


def with_pictures(column: str, path: Callable[[Cells], str]) -> Callable[[Table], Table]:
    """An adaption that gives each record the path of its picture, in `column`."""

    def adapt(table: Table) -> Table:
        text = _as_text(table)
        if text is None:
            return table

        def records() -> Iterator[TextRecord]:
            for record in text.parse():
                cells = {**record.cells, column: path(record.cells)}
                yield record if record.problem else replace(record, cells=cells)

        names = [name for name in table.schema.names if name != column]
        schema = pa.schema([*(table.schema.field(name) for name in names), (column, pa.string())])
        return replace(text, schema=schema, parse=records)

    return adapt


def _as_text(table: Table) -> TextTable | None:
    """The table with its records one by one; None for a format of typed columns."""
    if isinstance(table, DelimitedTable):
        return table.as_text()
    return table if isinstance(table, TextTable) else None


def with_row_ids(table: Table) -> Table:
    """An adaption for tables that may lack ids: a row is called by its file and number, as in "train-17"."""
    return table if ROW_ID in table.schema.names else NumberedTable(table)


@dataclass(frozen=True, slots=True)
class NumberedTable(WrappedTable):
    """A table with a column `ROW_ID` of the numbers of its rows."""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(ROW_ID, pa.string()), *self.table.schema])

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        row, stem = 0, self.source.path.name.partition(".")[0]
        for records in self.table.read(columns, carried, batch_rows):
            ids = [f"{stem}-{row + i + 1}" for i in range(len(records.places))]
            yield replace(records, columns={**records.columns, ROW_ID: ids})
            row += len(ids)
