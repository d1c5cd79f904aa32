"""Tables as CSV that people open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pyarrow as pa

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(table: pa.Table) -> bytes:
    """UTF-8, with a heading; null is an empty cell. Text that a spreadsheet would run as a formula gets a `'`
    in front."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(_cell, table.column_names))
    for row in table.to_pylist():
        writer.writerow(map(_cell, row.values()))
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value).lower() if isinstance(value, bool) else value
