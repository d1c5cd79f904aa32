"""Reads JSON Lines files, an object a line. Numbers and nested values are kept as their JSON text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from itemsearch.catalog.formats.encoding import find_unicode, read_lines
from itemsearch.catalog.formats.json_values import decode_value, record_cells
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable, text_schema


def open_jsonl(source: Source) -> TextTable:
    """Opens a JSONL file and passes over it once: its columns are the keys of all its lines.

    Raises:
        CatalogError: the file cannot be read.
    """
    encoding = find_unicode(source)
    keys: dict[str, None] = {}
    for record in _parse(source, encoding):
        keys.update(dict.fromkeys(record.cells))
    return TextTable(source, text_schema(list(keys)), partial(_parse, source, encoding), "JSON Lines")


def _parse(source: Source, encoding: str) -> Iterator[TextRecord]:
    for number, line in enumerate(read_lines(source, "\n", encoding), 1):
        if line.isspace():
            continue
        try:
            yield TextRecord(number, record_cells(decode_value(line)))
        except (ValueError, RecursionError) as error:
            yield TextRecord(number, {}, f"not a JSON object: {error}")
