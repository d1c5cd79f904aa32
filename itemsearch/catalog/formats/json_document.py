"""Reads JSON files: lines, an array of objects, an object that holds one, or objects one after another.

Values are decoded one by one as the file is read, so that memory holds one record and the keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper

from itemsearch.catalog.formats.encoding import MAX_LINE_CHARS, find_unicode
from itemsearch.catalog.formats.json_reader import MAX_DEPTH, JsonReader, Path
from itemsearch.catalog.formats.json_values import decode_value, record_cells
from itemsearch.catalog.formats.jsonl import open_jsonl
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable, text_schema
from itemsearch.errors import CatalogError, NotCatalogError

_ARRAYS = frozenset(
    (
        "products",
        "items",
        "data",
        "results",
        "listings",
        "rows",
        "records",
        "entries",
        "docs",
        "hits",
        "catalog",
    )
)
"""What exports call the array of their listings."""

_ROLES = frozenset(("id", "title", "name", "sku", "asin", "parent_asin", "handle", "product_id", "gtin"))
"""Keys of a listing rather than of what wraps many."""

_MEND = "write an array of objects or an object a line (pandas: to_json(orient='records', lines=True))"


def open_json(source: Source) -> TextTable:
    """Opens a JSON file of any shape; its columns are the keys of all its records.

    Raises:
        NotCatalogError: it is JSON that holds no listings.
        CatalogError: it cannot be read, or holds several arrays of objects.
    """
    with _reading(source) as text:
        is_lines = _is_lines(text, source.short_name.lower().endswith((".jsonl", ".ndjson")))
    if is_lines:
        return open_jsonl(source)
    path = _find_records(source)
    parse = partial(_parse, source, path)
    keys: dict[str, None] = {}
    for record in parse():
        keys.update(dict.fromkeys(record.cells))
    description = (
        "JSON objects" if path is None else f"JSON, array {'.'.join(path)}" if path else "JSON array"
    )
    return TextTable(source, text_schema(list(keys)), parse, description, "record")


def _is_lines(text: TextIOWrapper, is_named_so: bool) -> bool:
    """Whether the first line is an object of its own, or was meant as one, among others."""
    lines = (line for line in iter(lambda: text.readline(MAX_LINE_CHARS), "") if not line.isspace())
    first, second = next(lines, "").strip(), next(lines, "").strip()
    if not first.startswith("{"):
        return False
    try:
        record = decode_value(first)
    except json.JSONDecodeError as error:
        goes_on = (
            not second
            or first[-1] in "{[,:"
            or second[:1] in ("}", "]", ",")
            or first[error.pos : error.pos + 1] == "{"
        )
        return not goes_on and len(first) < MAX_LINE_CHARS - 1
    except (ValueError, RecursionError):
        return True
    return bool(second) or (is_named_so and isinstance(record, dict) and _wrapped_in(record) is None)


def _wrapped_in(record: dict[str, object]) -> Path | None:
    """The path of the array of objects that an object is there to hold; None where it is a listing itself."""
    arrays: dict[Path, bool] = {}

    def survey(value: object, path: Path) -> None:
        if isinstance(value, list):
            arrays[path] = any(isinstance(each, dict) for each in value)
        elif isinstance(value, dict) and len(path) < MAX_DEPTH:
            for key, each in value.items():
                survey(each, (*path, key))

    survey(record, ())
    return _choose(arrays, frozenset(record))


def _choose(arrays: dict[Path, bool], keys: frozenset[str]) -> Path | None:
    """Chooses the array of the listings of an object. arrays: whether each holds objects. keys: the object's.

    Raises:
        ValueError: there are several, and nothing tells which.
    """
    if "id" in keys:
        return None
    named = [path for path in arrays if path[-1] in _ARRAYS]
    holding = [path for path, has_objects in arrays.items() if has_objects]
    found = [path for path in named if arrays[path]] or ([] if keys & _ROLES else holding) or named
    if len(found) > 1:
        names = ", ".join(".".join(path) for path in found)
        raise ValueError(
            f"it holds {len(found)} arrays of objects ({names}): write the one of the listings alone"
        )
    return found[0] if found else None


def _find_records(source: Source) -> Path | None:
    """Where the records are: the path of their array, or None where the top-level objects are they."""
    with _reading(source) as text:
        reader = JsonReader(text)
        if reader.peek() == "[":
            return ()
        arrays: dict[Path, bool] = {}
        for path, value in reader.members():
            arrays[path] = arrays.get(path, False) or isinstance(value, dict)
        keys = frozenset(reader.keys)
        alone = not reader.peek()
        found = _choose(dict.fromkeys(reader.arrays, False) | arrays, keys) if alone else None
    if alone and found is None and not keys & _ROLES:
        shown = ", ".join(sorted(keys)[:5])
        raise NotCatalogError(
            f"{source}: JSON that holds no array of objects (its keys are {shown}): {_MEND}"
        )
    return found


def _parse(source: Source, path: Path | None) -> Iterator[TextRecord]:
    with _reading(source) as text:
        reader = JsonReader(text)
        values = reader.values() if path is None else _elements(reader, path)
        for number, value in enumerate(values, 1):
            try:
                yield TextRecord(number, record_cells(value))
            except (ValueError, RecursionError) as error:
                yield TextRecord(number, {}, f"not a JSON object: {error}")


def _elements(reader: JsonReader, path: Path) -> Iterator[object]:
    if not path:
        yield from reader.array()
    else:
        yield from (value for place, value in reader.members() if place == path)
    if reader.peek():
        raise ValueError("not JSON: something follows its end")


@contextmanager
def _reading(source: Source) -> Iterator[TextIOWrapper]:
    """Opens the text; what the decoder raises while it is read becomes one line that names the file."""
    try:
        encoding = find_unicode(source)
        with source.open() as stream:
            bom = "\ufeff".encode(encoding)
            if stream.peek(len(bom)).startswith(bom):
                stream.read(len(bom))
            yield TextIOWrapper(stream, encoding, "surrogateescape" if encoding == "utf-8" else "strict")
    except OSError as error:
        raise CatalogError(f"{source}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{source}: {error}") from error
