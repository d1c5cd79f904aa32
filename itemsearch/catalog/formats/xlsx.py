"""Reads Excel files (.xlsx): one sheet, its first row that is not blank the header."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from itemsearch.catalog.formats.names import distinct_schema
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable
from itemsearch.errors import CatalogError

MAX_CELLS = 2**25
"""The reader holds a sheet's cells up to the last used row and column, 32 bytes each."""

MAX_BYTES = 2**31
"""Of the XML in a file."""

_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_OVERLAP = 32


def open_xlsx(source: Source, sheet: str = "") -> TextTable:
    """Opens a sheet as a table of texts, as people see the cells: numbers in digits, dates as 2026-02-28.

    Number formats other than those of dates are not applied: 00123 has to be written as text. Columns without
    a name are called `column_N`, see `distinct_schema`; blank rows are left out.

    Args:
        source: of a local file. sheet: its name; "" for the first visible sheet that has rows.

    Raises:
        CatalogError: the file cannot be read or is too large, or the sheet is not there.
    """
    with _reading(source):
        _check_size(source)
        with CalamineWorkbook.from_path(source.file) as workbook:
            if sheet and sheet not in workbook.sheet_names:
                names = ", ".join(map(repr, workbook.sheet_names))
                raise CatalogError(f"{source}: no sheet {sheet!r}; the sheets are {names}")
            found = workbook.get_sheet_by_name(sheet) if sheet else _first_sheet(workbook)
            rows = _rows(found)
            number, header = next(rows, (0, []))
            used = max((_used(row) for _, row in rows), default=0)
            sheets = len(workbook.sheet_names)
    width = max(used, _used(header))
    header = [*header, *[""] * width][:width]
    schema = distinct_schema([text.strip() for text in header], [pa.string()] * width)
    description = f"xlsx, sheet {found.name}" + (f" of {sheets} sheets" if sheets > 1 else "")
    return TextTable(
        source, schema, partial(_parse, source, found.name, number, schema.names), description, "row"
    )


def _parse(source: Source, sheet: str, header: int, names: list[str]) -> Iterator[TextRecord]:
    with _reading(source), CalamineWorkbook.from_path(source.file) as workbook:
        for number, cells in _rows(workbook.get_sheet_by_name(sheet)):
            if number > header:
                yield TextRecord(
                    number, {name: text or None for name, text in zip(names, cells, strict=False)}
                )


def _first_sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    shown = [
        each.name
        for each in workbook.sheets_metadata
        if each.typ == SheetTypeEnum.WorkSheet and each.visible == SheetVisibleEnum.Visible
    ] or workbook.sheet_names
    sheets = map(workbook.get_sheet_by_name, shown)
    return next((sheet for sheet in sheets if sheet.end), workbook.get_sheet_by_name(shown[0]))


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Yields (number, texts) of each row that is not blank."""
    for number, row in enumerate(sheet.iter_rows(), 1):
        texts = [_text(cell) for cell in row]
        if any(texts):
            yield number, texts


def _used(row: list[str]) -> int:
    return max((place for place, text in enumerate(row, 1) if text), default=0)


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).upper()
        case float():
            # Excel keeps and shows 15 digits.
            return f"{Decimal(f'{value:.15g}'):f}"
        case datetime():
            return value.isoformat(" ")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _check_size(source: Source) -> None:
    """Checks that the sheets fit the memory: the reader ends the process where they do not.

    Raises:
        CatalogError: they do not. BadZipFile, OSError: the file is damaged.
    """
    with ZipFile(source.file) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
            raise CatalogError(f"{source}: over {MAX_BYTES:,} bytes unpacked: save the sheet as CSV")
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                rows, columns = _extent(archive, name)
                if rows * columns > MAX_CELLS:
                    raise CatalogError(
                        f"{source}: a sheet of {rows:,} rows and {columns:,} columns, over {MAX_CELLS:,} "
                        "cells: delete what lies far outside the table, or save it as CSV"
                    )


def _extent(archive: ZipFile, name: str) -> tuple[int, int]:
    """The last used row and column of a sheet."""
    rows, columns = 0, b""
    with archive.open(name) as stream:
        rest = b""
        while chunk := stream.read(2**20):
            cells = _CELL.findall(rest + chunk)
            rest = chunk[-_OVERLAP:]
            rows = max([rows, *(int(row) for _, row in cells)])
            columns = max([columns, *{column for column, _ in cells}], key=lambda each: (len(each), each))
    number = 0
    for letter in columns:
        number = 26 * number + letter - ord("A") + 1
    return rows, number


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    try:
        yield
    except (CalamineError, BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        first_line, _, _ = str(error).partition("\n")
        raise CatalogError(
            f"{source}: not an Excel file that can be read ({first_line}): save it again as .xlsx"
        ) from error
