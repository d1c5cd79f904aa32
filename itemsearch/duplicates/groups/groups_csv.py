"""Writes groups.csv, for people with a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.types import GROUPS_SCHEMA
from itemsearch.indexes.durable import replacing
from itemsearch.spreadsheet import defused

LISTING_COLUMNS = ("title", "category")


def write_groups_csv(path: Path, groups: pa.Table, listings: pa.Table) -> None:
    """Writes a row a listing: the columns of `GROUPS_SCHEMA`, its title and its category.

    Text that a spreadsheet would run as a formula gets a ' in front. The file begins with a byte order mark,
    by which Excel recognizes UTF-8.
    """
    rows = pc.index_in(groups["id"], listings["id"])
    extra = [name for name in LISTING_COLUMNS if name in listings.column_names]
    cells = [listings[name].take(rows).to_pylist() for name in extra]
    members = [groups[name].to_pylist() for name in GROUPS_SCHEMA.names]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*GROUPS_SCHEMA.names, *extra])
        for row in zip(*members, *cells, strict=True):
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return defused(value) if isinstance(value, str) else value
