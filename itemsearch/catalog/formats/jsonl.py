"""Reads JSON Lines files, an object a line. Numbers and nested values are kept as their JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import NoReturn

from itemsearch.catalog.formats.encoding import find_unicode, read_lines
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import JsonText, TextRecord, TextTable, is_unicode, text_schema


def open_jsonl(source: Source) -> TextTable:
    """Opens a JSONL file and passes over it once: its columns are the keys of all its lines.

    Raises:
        CatalogError: the file cannot be read.
    """
    encoding = find_unicode(source)
    keys: dict[str, None] = {}
    for record in _parse(source, encoding):
        keys.update(dict.fromkeys(record.cells))
    return TextTable(source, text_schema(list(keys)), partial(_parse, source, encoding), "JSON lines")


def _parse(source: Source, encoding: str) -> Iterator[TextRecord]:
    for number, line in enumerate(read_lines(source, "\n", encoding), 1):
        if line.isspace():
            continue
        try:
            yield TextRecord(number, _cells(line))
        except (ValueError, RecursionError) as error:
            yield TextRecord(number, {}, f"not a JSON object: {error}")


def _cells(line: str) -> dict[str, str | None]:
    record = json.loads(
        line,
        parse_int=JsonText,
        parse_float=JsonText,
        parse_constant=_refuse_constant,
        object_pairs_hook=_unique_keys,
    )
    if not isinstance(record, dict):
        raise ValueError(f"it is {_json_text(record)[:40]}")
    cells = {key: value if value is None else _cell(value) for key, value in record.items()}
    if not is_unicode([*cells, *(value for value in cells.values() if value)]):
        raise ValueError("text that is not Unicode: bytes that are not UTF-8, or half a surrogate pair")
    return cells


def _cell(value: object) -> str:
    return value if isinstance(value, str) else JsonText(_json_text(value))


def _json_text(value: object) -> str:
    match value:
        case JsonText():
            return value
        case dict():
            pairs = (f"{_json_text(key)}:{_json_text(item)}" for key, item in value.items())
            return f"{{{','.join(pairs)}}}"
        case list():
            return f"[{','.join(map(_json_text, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} is there twice")
    return record


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
