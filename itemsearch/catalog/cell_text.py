"""Writes the cells of a role as people would: a number, a list or a struct where a text is expected.

role      cell                                 text
id        1.0                                  1
title     1.50 (decimal, JSON)                 1.50
title     ["Mug", "blue"]                      Mug, blue
title     {"name": "Colour", "value": "Blue"}  Colour: Blue
title     2024-02-29 00:00:00                  2024-02-29
category  ["Home", "Kitchen"]                  Home > Kitchen
"""

from __future__ import annotations

# ruff: noqa: RUF001, RUF002 (the signs between the names of paths are the matter here)
import ast
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from itemsearch.catalog.formats.tables import JsonText
from itemsearch.titles import fold_title, is_no_title
from itemsearch.types import RejectReason

PATH = " > "
"""Between the names of a category path."""

_PATH_SIGNS = re.compile(r"\s*(?:>{1,3}|»|›|→)\s*")
_NAME_KEYS = ("name", "title", "label", "text", "value")
"""The fields of a struct that say what it is called, the most telling first."""
_JSON_NUMBER = re.compile(r"-?[0-9].*")
_MOST_DIGITS = 64
"""A longer whole number, as 1e400 would be, is no id."""
_CACHED_CATEGORIES = 4096
_MOST_LIST_CHARS = 10_000
"""A longer cell is not tried as a list."""


class BadCellError(Exception):
    """A cell for which its row is rejected. id: the row's, where the bad cell itself gives it."""

    def __init__(self, message: str, reason: RejectReason = RejectReason.MALFORMED, id: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.id = id


class JoinedCells(tuple[object, ...]):
    """The cells of the columns that make one role together, as in `--column title=brand+name`."""

    __slots__ = ()


def cell_text(role: str, value: object) -> str:
    """Writes a cell as text; "" for a missing one and for a number that is none (NaN).

    Args:
        role: "id", "title" or "category"; an id is text or a number, whole ones without ".0".

    Raises:
        BadCellError: an id is of another type, or a cell holds bytes that are not text.
    """
    match value:
        case None:
            return ""
        case JsonText():
            return cell_text(role, _from_json(value))
        case str():
            return value
        case JoinedCells():
            return _joined(role, value)
        case int() if not isinstance(value, bool):
            return str(value)
        case float() | Decimal():
            return _number_text(role, value)
    if role == "id":
        raise BadCellError(f"the id is {value!r:.60}: write ids as text or numbers")
    return _other_text(role, value)


def category_text(value: object, separator: str) -> str:
    """Writes a category: folded as a title, "" for what would be no title, and a path with " > " between its
    names.

    Args:
        separator: the text that splits a path; "" for the usual signs: ">", ">>", "»", "›" and "→".

    Raises:
        BadCellError: as `cell_text`.
    """
    return _category_path(cell_text("category", value), separator)


@lru_cache(_CACHED_CATEGORIES)
def _category_path(text: str, separator: str) -> str:
    if text.startswith("[") and text.endswith("]") and len(text) <= _MOST_LIST_CHARS:
        text = cell_text("category", _from_literal(text))
    folded = fold_title(text)
    if is_no_title(folded):
        return ""
    names = folded.split(separator) if separator else _PATH_SIGNS.split(folded)
    return PATH.join(name for name in map(str.strip, names) if name)


def _other_text(role: str, value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            return str(value.date() if value.tzinfo is None and value.time() == time() else value)
        case bytes():
            return _decoded(role, value)
        case Mapping():
            return _struct_text(role, value)
        case list() | tuple():
            return (PATH if role == "category" else ", ").join(_texts(role, value))
        case _:
            return str(value)


def _joined(role: str, cells: Iterable[object]) -> str:
    """The parts that are there, with a space between them; a part that is no title counts as missing."""
    parts = [part for part in (cell_text(role, cell).strip() for cell in cells) if part]
    named = [part for part in parts if not is_no_title(fold_title(part))] if role == "title" else parts
    return " ".join(named or parts[:1])


def _number_text(role: str, value: float | Decimal) -> str:
    number = Decimal(str(value))
    if number.is_nan():
        return ""
    if number.is_infinite():
        if role == "id":
            raise BadCellError(f"the id is {value!r}: write ids as text or numbers")
        return str(value)
    if number.adjusted() >= _MOST_DIGITS:
        if role == "id":
            raise BadCellError(f"the id is {value!r:.60}: a number of over {_MOST_DIGITS} digits")
        return str(value)
    whole = number == number.to_integral_value()
    return f"{number:.0f}" if whole and (role == "id" or isinstance(value, float)) else f"{number:f}"


def _struct_text(role: str, struct: Mapping[object, object]) -> str:
    fields = {str(key).casefold(): value for key, value in struct.items()}
    texts = {key: text for key, value in fields.items() if (text := cell_text(role, value).strip())}
    if "name" in texts and "value" in texts:
        return f"{texts['name']}: {texts['value']}"
    for key in _NAME_KEYS:
        if key in texts:
            return texts[key]
    return ", ".join(texts.values())


def _texts(role: str, cells: Iterable[object]) -> list[str]:
    """The texts of a list's cells; those of a list of paths are paths."""
    return [text for text in (cell_text(role, cell).strip() for cell in cells) if text]


def _decoded(role: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadCellError(f"the {role} is {value!r:.60}: write it as text") from None


def _from_json(text: str) -> object:
    """A JSON value; a number that is not whole is a decimal, so that 1.10 stays 1.10."""
    if _JSON_NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:
            return str(text)
    return json.loads(text, parse_float=Decimal)


def _from_literal(text: str) -> object:
    """The list that a text writes, as JSON or Python does; else the text."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return text
