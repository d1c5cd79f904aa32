"""Writes tables as CSV, JSON lines or Excel, by the ending of the file's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from itemsearch.errors import UsageError
from itemsearch.indexes.durable import replacing
from itemsearch.spreadsheet import as_csv

MOST_ROWS, LONGEST_CELL = 1_048_576, 32_767
"""The limits of an Excel sheet."""


def check_kind(path: Path) -> None:
    """Checks the ending of a file's name.

    Raises:
        UsageError: it is none of those that can be written.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"{path}: write {', '.join(_WRITERS)}")


def write_file(path: Path, table: pa.Table) -> None:
    """Replaces a file in one step.

    Raises:
        UsageError: more rows than a sheet has.
        OSError: the file cannot be written.
    """
    with replacing(path) as temporary:
        _WRITERS[path.suffix.lower()](temporary, table)


def _write_csv(path: Path, table: pa.Table) -> None:
    path.write_bytes(as_csv(table))


def _write_lines(path: Path, table: pa.Table) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in table.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def _write_excel(path: Path, table: pa.Table) -> None:
    """Text is written as text, ids and what looks like a formula too, and numbers as numbers. A text longer
    than a cell ends in "…"."""
    from xlsxwriter import Workbook  # needed by this kind of file alone

    if table.num_rows >= MOST_ROWS:
        raise UsageError(f"{table.num_rows:,} rows are too many for a sheet: write .csv or .jsonl")
    with Workbook(str(path), {"constant_memory": True}) as workbook:
        sheet, text = workbook.add_worksheet(), workbook.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(table.column_names):
            sheet.write_string(0, place, name, workbook.add_format({"bold": True}))
        for number, row in enumerate(table.to_pylist(), 1):
            for place, value in enumerate(row.values()):
                if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
                    sheet.write_number(number, place, value)
                elif value is not None:
                    cell = str(value)
                    cut = cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"
                    sheet.write_string(number, place, cut, text)


_WRITERS: Mapping[str, Callable[[Path, Any], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".xlsx": _write_excel,
}
