"""Reads CSV and TSV files."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from itemsearch.catalog.formats.files import read_lines
from itemsearch.catalog.formats.names import distinct_schema
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable, is_unicode
from itemsearch.errors import CatalogError

MAX_CELL_CHARS = 2**20
"""A longer cell is a quote that was never closed rather than text."""


def open_delimited(source: Source, delimiter: str) -> TextTable:
    """A CSV or TSV file, its first record the header; for names that are empty or there twice see
    `distinct_schema`.

    Raises:
        CatalogError: the file cannot be read, or its header is not text.
    """
    names = _header(source, delimiter)
    schema = distinct_schema(names, [pa.string()] * len(names))
    return TextTable(source, schema, partial(_parse, source, delimiter, schema.names))


def _header(source: Source, delimiter: str) -> list[str]:
    _, first = next(_rows(source, delimiter), (0, []))
    if isinstance(first, str):
        raise CatalogError(f"{source}: the header cannot be read: {first}")
    names = [name.strip() for name in first]
    if not is_unicode(first) or any("\0" in name for name in names):
        raise CatalogError(f"{source}: the header is not UTF-8 text: save the file as UTF-8")
    return names


def _parse(source: Source, delimiter: str, names: list[str]) -> Iterator[TextRecord]:
    rows = _rows(source, delimiter)
    next(rows, None)
    for line, cells in rows:
        if isinstance(cells, str):
            yield TextRecord(line, {}, cells)
        elif len(cells) != len(names):
            yield TextRecord(line, {}, f"{len(cells)} cells where the header has {len(names)}")
        elif not is_unicode(cells):
            yield TextRecord(line, {}, "bytes that are not UTF-8: save the file as UTF-8")
        else:
            yield TextRecord(line, dict(zip(names, cells, strict=True)))


def _rows(source: Source, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yields (number of the first line, cells or what is wrong) of each record that is not blank."""
    # The module's limit is the process's: ours is above its default, so nobody loses by it.
    csv.field_size_limit(MAX_CELL_CHARS)
    lines = _Lines(read_lines(source, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first_line = lines.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.go_back()
            yield first_line, f"not CSV ({error}): is a quote left open, or not doubled?"
            continue
        if cells:
            yield first_line, cells


class _Lines(Iterator[str]):
    """Iterates over the lines of a file; those of the latest record can be read again.

    An open quote swallows the rows after it up to the cell limit or the end of the file. Going back
    to the record's second line refuses the row with the quote alone.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._number = 0

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._record.append(line)
        self._number += 1
        return line

    def start_record(self) -> int:
        """Starts a record; returns the number of its first line, from 1."""
        self._record.clear()
        return self._number + 1

    def go_back(self) -> None:
        swallowed = self._record[1:]
        self._again.extendleft(reversed(swallowed))
        self._number -= len(swallowed)
