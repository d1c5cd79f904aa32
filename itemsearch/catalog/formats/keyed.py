"""Gives a table the columns that its folders name, as in "seller=one/part-0.parquet"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from itemsearch.catalog.formats.tables import Records, WrappedTable, record_batch


@dataclass(frozen=True, slots=True)
class KeyedTable(WrappedTable):
    """A table with a column for each of its source's keys; a column of its own goes before a key."""

    @property
    def schema(self) -> pa.Schema:
        own = self.table.schema
        return pa.schema([*own, *(pa.field(key, pa.string()) for key in self._keys())]) if own.names else own

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        keys = self._keys()
        for records in self.table.read(columns, carried, batch_rows):
            rows = len(records.places)
            given = {name: [keys[name]] * rows for name in columns if name in keys}
            arrays = [
                pa.array([keys[field.name]] * rows, field.type) if field.name in keys else array
                for field, array in zip(carried, records.carried.columns, strict=True)
            ]
            yield replace(
                records,
                columns={**records.columns, **given},
                carried=record_batch(arrays, carried, rows),
            )

    def _keys(self) -> dict[str, str | None]:
        return {key: value for key, value in self.source.keys.items() if key not in self.table.schema.names}
