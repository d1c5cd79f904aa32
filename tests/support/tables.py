"""Reads what a table of text has, record by record."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from itemsearch.catalog.formats.tables import Table


def read_table(table: Table) -> Iterator[tuple[int, list[object] | str]]:
    """Yields (number in its place, cells or what is wrong) of each record."""
    names = table.schema.names
    for records in table.read(names, pa.schema([]), 100):
        for i, (place, problem) in enumerate(zip(records.places, records.problems, strict=True)):
            yield int(place.rsplit(" ", 1)[1]), problem or [records.columns[name][i] for name in names]
