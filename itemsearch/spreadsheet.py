"""Writes tables as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(table: pa.Table) -> bytes:
    """The bytes of a CSV file with a heading; null is an empty cell, and no cell runs as a formula.

    The file begins with a byte order mark, by which Excel recognizes UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(defused, table.column_names))
    for row in table.to_pylist():
        writer.writerow(map(csv_cell, row.values()))
    return text.getvalue().encode("utf-8-sig")


def defused(text: str) -> str:
    """`text`, with a `'` in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_cell(value: Any) -> Any:
    """What a CSV writer makes a safe cell of."""
    if isinstance(value, bool):
        return str(value).lower()
    return defused(value) if isinstance(value, str) else value
