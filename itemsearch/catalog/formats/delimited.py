"""Reads CSV and TSV files, in any dialect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from itemsearch.catalog.formats.encoding import read_lines
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.quotes import Record, read_records
from itemsearch.catalog.formats.sniff import Layout, sniff
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable, is_unicode, text_schema
from itemsearch.errors import CatalogError


def open_delimited(source: Source, options: ReadOptions) -> TextTable:
    """Opens a CSV or TSV file, its first record the header. A column without a name is called `column_N`.

    Raises:
        CatalogError: the file cannot be read or is not what an option says, or its header is not text or
            names a column twice.
    """
    layout = sniff(source, options)
    names = _header(source, layout)
    return TextTable(source, text_schema(names), partial(_parse, source, layout, names), layout.said)


def _header(source: Source, layout: Layout) -> list[str]:
    record = next(_records(source, layout), Record(1, 1, []))
    first = record.cells
    if record.problem:
        raise CatalogError(f"{source}: the header cannot be read: {record.problem}")
    names = [name.strip() or f"column_{number}" for number, name in enumerate(first, 1)]
    if not is_unicode(first):
        raise CatalogError(
            f"{source}: the header is not {layout.survey.said}: say what it is with --encoding"
        )
    if names and names[0].startswith("#") and (len(names) == 1 or " " in names[0]):
        raise CatalogError(f"{source}: the header is {names[0]!r:.60}: if it is a comment, say --comment '#'")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CatalogError(
            f"{source}: the header names {', '.join(map(repr, twice))} more than once: rename one"
        )
    return names


def _parse(source: Source, layout: Layout, names: list[str]) -> Iterator[TextRecord]:
    records = _records(source, layout)
    next(records, None)
    width, sound = len(names), layout.survey.sound
    for line, _, cells, problem in records:
        if problem:
            yield TextRecord(line, {}, problem)
        elif len(cells) != width:
            yield TextRecord(line, {}, f"{len(cells)} cells where the header has {width}")
        elif not sound and not is_unicode(cells):
            yield TextRecord(line, {}, f"bytes that are not {layout.survey.said}, which the file is")
        else:
            yield TextRecord(line, dict(zip(names, cells, strict=True)))


def _records(source: Source, layout: Layout) -> Iterator[Record]:
    lines = read_lines(source, "", layout.survey.encoding)
    if layout.survey.nuls:
        lines = (line.replace("\0", "") for line in lines)
    return read_records(lines, layout.dialect, layout.shape, skip=int(layout.sep_line))
