"""Decodes JSON so that numbers stay as they are written, and turns its objects into cells."""

from __future__ import annotations

import json
from collections.abc import Mapping

from itemsearch.catalog.formats.tables import JsonText, is_unicode


class RepeatedKeys(dict[str, object]):
    """An object in which a key is there twice, so that one of its values would be lost."""

    __slots__ = ("key",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.key = next(key for key in keys if keys.count(key) > 1)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    return record if len(record) == len(pairs) else RepeatedKeys(pairs)


def _no_number(text: str) -> None:
    """NaN and Infinity are no JSON, but Python writes them where a number is missing."""


DECODER = json.JSONDecoder(
    parse_int=JsonText, parse_float=JsonText, parse_constant=_no_number, object_pairs_hook=_object
)
"""Decodes a number as `JsonText`, as it is written, and NaN, Infinity and -Infinity as missing."""


def decode_value(text: str) -> object:
    """Decodes one JSON value.

    Raises:
        ValueError: it is no JSON. RecursionError: it is nested too deep.
    """
    if text.lstrip().startswith(("{'", "{u'")):
        raise ValueError("it is a Python literal (single quotes)")
    return DECODER.decode(text)


def record_cells(record: object) -> dict[str, str | None]:
    """The cells of an object: texts as they are, all else but null as `JsonText`.

    Raises:
        ValueError: it is no object, a key is there twice, or a text is not Unicode. RecursionError: it is
            nested too deep.
    """
    if not isinstance(record, dict):
        raise ValueError(f"it is {_json_text(record)[:40]}")
    cells = {key: value if value is None else _cell(value) for key, value in _unique(record).items()}
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
            pairs = (f"{_json_text(key)}:{_json_text(item)}" for key, item in _unique(value).items())
            return f"{{{','.join(pairs)}}}"
        case list():
            return f"[{','.join(map(_json_text, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _unique(record: dict[str, object]) -> Mapping[str, object]:
    if isinstance(record, RepeatedKeys):
        raise ValueError(f"key {record.key!r} is there twice")
    return record
