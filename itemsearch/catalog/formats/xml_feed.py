"""Reads product feeds in XML: RSS and Atom as Google Merchant takes them, and plain lists of products."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import JsonText, TextRecord, TextTable, text_schema
from itemsearch.errors import CatalogError, NotCatalogError

_RECORDS = frozenset(
    (
        "item",
        "entry",
        "product",
        "offer",
        "shopitem",
        "listing",
        "article",
        "artikel",
        "produkt",
        "row",
        "record",
    )
)
"""The elements that hold a listing, in lower case; the first that a file has are its records."""

_GOOGLE = "http://base.google.com/"
_CHUNK_BYTES = 2**18
MAX_ITEM_BYTES = 16 * 2**20
"""A longer item is none, and reading on would fill the memory."""


def open_xml(source: Source) -> TextTable:
    """Opens an XML feed and passes over it once: its columns are the elements of all its items.

    An element's name is a column without its prefix, as in the TSV feeds; where `title` and `g:title` are
    both there, that of Google counts. A repeated element is a JSON list, one with elements a JSON object.
    Entities other than those of XML itself are refused, and nothing outside the file is read.

    Raises:
        NotCatalogError: it holds no items.
        CatalogError: it cannot be read, is not well-formed or declares entities.
    """
    keys: dict[str, None] = {}
    for record in _parse(source):
        keys.update(dict.fromkeys(record.cells))
    if not keys:
        raise NotCatalogError(
            f"{source}: XML without items (expected elements called {', '.join(sorted(_RECORDS))}): "
            "export a Google Merchant feed, CSV or JSON"
        )
    return TextTable(source, text_schema(list(keys)), partial(_parse, source), "XML feed", "item")


def _parse(source: Source) -> Iterator[TextRecord]:
    parser = _ItemParser()
    number = 0
    try:
        with source.open() as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                for item in parser.feed(chunk):
                    number += 1
                    yield TextRecord(number, _cells(item))
            parser.finish()
    except OSError as error:
        raise CatalogError(f"{source}: cannot be read past item {number}: {error}") from error
    except _EntityError as error:
        raise CatalogError(f"{source}: it declares an entity, {error}: write the feed without") from error
    except (ExpatError, LookupError) as error:  # a LookupError is an unknown encoding
        number += parser.waiting
        raise CatalogError(
            f"{source}: not well-formed XML past item {number} ({error}): export it again, with & as &amp;"
        ) from error


class _EntityError(Exception):
    """An entity is declared: it could stand for another file, or for gigabytes."""


class _ItemParser:
    """Finds the items in the pieces of a file; only the item that is being read is kept.

    Expat reads no other file, and with no entity declared nothing is expanded.
    """

    def __init__(self) -> None:
        self._expat = ParserCreate(namespace_separator="}")
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.EntityDeclHandler = _refuse_entity
        self._depth = 0
        self._name = ""
        self._item: TreeBuilder | None = None
        self._item_depth = 0
        self._found: list[Element] = []
        self._since = 0

    def feed(self, chunk: bytes) -> list[Element]:
        """Parses the next piece; returns the items that end in it.

        Raises:
            ExpatError: it is not well-formed. OSError: an item is longer than `MAX_ITEM_BYTES`.
        """
        self._since += len(chunk)
        self._expat.Parse(chunk, False)
        if self._since > MAX_ITEM_BYTES:
            raise OSError(f"an item of over {MAX_ITEM_BYTES:,} bytes")
        found, self._found = self._found, []
        return found

    @property
    def waiting(self) -> int:
        """How many items ended before the piece turned out not to be well-formed."""
        return len(self._found)

    def finish(self) -> None:
        """Checks that the file is whole."""
        self._expat.Parse(b"", True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._item is None:
            self._since = 0
            name = _local(tag).lower()
            if self._depth == 1 or name not in ((self._name,) if self._name else _RECORDS):
                return
            self._name, self._item, self._item_depth = name, TreeBuilder(), self._depth
        self._item.start(tag, attributes)

    def _end(self, tag: str) -> None:
        if self._item is not None:
            self._item.end(tag)
            if self._depth == self._item_depth:
                self._found.append(self._item.close())
                self._item, self._since = None, 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._item is not None:
            self._item.data(text)


def _refuse_entity(name: str, *_: object) -> NoReturn:
    raise _EntityError(repr(name))


def _cells(item: Element) -> dict[str, str | None]:
    plain: dict[str, list[object]] = {key: [value] for key, value in _attributes(item).items()}
    google: dict[str, list[object]] = {}
    for child in item:
        cells = google if child.tag.startswith(_GOOGLE) else plain
        cells.setdefault(_local(child.tag), []).append(_value(child))
    return {name: _cell(values) for name, values in (plain | google).items()}


def _cell(values: list[object]) -> str | None:
    values = [value for value in values if value]
    if not values:
        return None
    only = values[0] if len(values) == 1 else values
    return only if isinstance(only, str) else JsonText(json.dumps(only, ensure_ascii=False))


def _value(element: Element) -> object:
    """An element's text or address, or a dict of its elements."""
    text = (element.text or "").strip()
    if not len(element):
        return text or element.get("href") or element.get("url") or ""
    if text:
        return "".join(element.itertext()).strip()
    values: dict[str, list[object]] = {}
    for child in element:
        values.setdefault(_local(child.tag), []).append(_value(child))
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}


def _attributes(element: Element) -> dict[str, str]:
    return {_local(name): value for name, value in element.attrib.items()}


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
