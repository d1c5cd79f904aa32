"""groups.csv: for people with a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.types import GROUPS_SCHEMA
from itemsearch.indexes.durable import replacing
from itemsearch.spreadsheet import defused

SHOWN = ("title", "category")


def write_groups_csv(path: Path, groups: pa.Table, listings: pa.Table) -> None:
    """Writes a row a listing: the columns of `GROUPS_SCHEMA`, its title and its category.

    Text that a spreadsheet would run begins with a ', so that it does not. Without the byte order mark
    Excel would take UTF-8 for something else.
    """
    rows = pc.index_in(groups["id"], listings["id"])
    shown = [name for name in SHOWN if name in listings.column_names]
    cells = [listings[name].take(rows).to_pylist() for name in shown]
    members = [groups[name].to_pylist() for name in GROUPS_SCHEMA.names]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*GROUPS_SCHEMA.names, *shown])
        for row in zip(*members, *cells, strict=True):
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return defused(value) if isinstance(value, str) else value
