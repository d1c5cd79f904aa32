"""Writes tables as Parquet, CSV, JSON lines or Excel, by the ending of the file's name, a part at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.errors import UsageError
from itemsearch.indexes.durable import replacing
from itemsearch.spreadsheet import csv_cell, defused

MOST_ROWS, LONGEST_CELL = 1_048_576, 32_767
"""The limits of an Excel sheet."""


class TableWriter(Protocol):
    """Writes the tables of one schema, one below the other, into a file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def write(self, table: pa.Table) -> None:
        """Adds rows."""


def check_out(option: str, out: Path, others: Iterable[Path] = ()) -> None:
    """Checks that a file can be written as its name says, and that it is not another one.

    Args:
        option: what the user named it by, such as "--out".
        others: files, and folders whose files are read.

    Raises:
        UsageError: its ending is of no kind, or it is one of `others` or lies in one.
    """
    if out.suffix.lower() not in _WRITERS:
        raise UsageError(f"{option} {out}: end its name in {', '.join(_WRITERS)}, which says what is written")
    place = out.resolve()
    for path in others:
        source = path.resolve()
        if place == source:
            raise UsageError(f"{option} {out} is the file {path} itself: name another file")
        if place.parent == source:
            raise UsageError(f"{option} {out} is in the folder {path}: name a file elsewhere")


@contextmanager
def writing(out: Path, schema: pa.Schema) -> Iterator[TableWriter]:
    """Yields a writer of a file that replaces `out` in one step at the end. Makes the folder that it is in.

    Raises:
        UsageError: more rows than a sheet of Excel has.
        OSError: the file cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary, _WRITERS[out.suffix.lower()](temporary, schema) as writer:
        yield writer


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, write_page_checksum=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)


class _Csv:
    """For spreadsheets: with a byte order mark, by which Excel recognizes UTF-8, and no cell that runs."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", newline="", encoding="utf-8-sig")
        self._writer = csv.writer(self._file)
        self._writer.writerow(map(defused, schema.names))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def write(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            self._writer.writerow([csv_cell(_flat(value)) for value in row.values()])


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def write(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            self._file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


class _Excel:
    """Text is written as text, ids and what looks like a formula too, and numbers as numbers. A text longer
    than a cell ends in "…"."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        from xlsxwriter import Workbook  # needed by this kind of file alone

        self._book = Workbook(str(path), {"constant_memory": True})
        self._sheet, self._text = self._book.add_worksheet(), self._book.add_format({"num_format": "@"})
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(schema.names):
            self._sheet.write_string(0, place, name, bold)
        self._rows = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._book.close()

    def write(self, table: pa.Table) -> None:
        if self._rows + table.num_rows > MOST_ROWS:
            raise UsageError(f"more than {MOST_ROWS - 1:,} rows, which a sheet has: write .csv or .jsonl")
        for number, row in enumerate(table.to_pylist(), self._rows):
            for place, value in enumerate(map(_flat, row.values())):
                if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
                    self._sheet.write_number(number, place, value)
                elif value is not None:
                    cell = str(value)
                    cut = cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"
                    self._sheet.write_string(number, place, cut, self._text)
        self._rows += table.num_rows


def _flat(value: Any) -> Any:
    """A value for one cell: a list or an object becomes JSON."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


_WRITERS: dict[str, type[TableWriter]] = {
    ".parquet": _Parquet,
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".xlsx": _Excel,
}
