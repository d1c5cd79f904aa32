"""Finds the columns that an SQL condition names, and how each is read where it stands.

    price < 9                  numbers, if all cells are plain numbers
    sku = '90.750'             text, as written: it is not '90.75'
    sku::text like '9%'        text
    brand is null              an empty cell is null
    brand in ('', 'Acme')      beside '' a missing cell is '', so that it is found
    catalog.embedding > 0.5    a column of that name; no quotes are needed

DuckDB parses the condition; its names are replaced in the parsed tree, so that any name can be a column's:
names that differ in case alone, or that the condition's own table would hide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from itemsearch.columns import is_text_type
from itemsearch.errors import UsageError
from itemsearch.search.text_readings import Reading, read_as, without_nan

if TYPE_CHECKING:
    import duckdb

Node = dict[str, Any]

_TEXT_TYPES = frozenset({"text", "varchar", "string", "char", "bpchar"})
_SERIALIZE = "SELECT json_serialize_sql(?::VARCHAR)"
_DESERIALIZE = "SELECT json_deserialize_sql(?::JSON)"
_SELECT = "SELECT "


class Readings:
    """The readings of columns of listings that a condition needs, by their names in the condition."""

    def __init__(self, listings: pa.Table) -> None:
        self.listings = listings
        self._columns: dict[str, pa.ChunkedArray] = {}

    def name(self, column: str, reading: Reading) -> str:
        """The name of a column, read so. A number in front keeps names apart that differ in case alone."""
        cells = self.listings[column]
        if not is_text_type(cells.type):
            name = f"{self.listings.column_names.index(column)} {column}"
            self._columns[name] = without_nan(cells)
            return name
        name = f"{self.listings.column_names.index(column)} {column} as {reading.value}"
        if name not in self._columns:
            self._columns[name] = read_as(cells, reading)
        return name

    def is_words(self, column: str) -> bool:
        """Whether a column is text that cannot be read as numbers."""
        name = self.name(column, Reading.NUMBERS)
        return bool(pa.types.is_string(self._columns[name].type))

    def find(self, parts: list[str], condition: str) -> tuple[str, list[str]] | None:
        """The column that dotted names begin with, the longest, and the names after it, which are fields of
        a struct; None where there is none. Case counts only between columns that differ in nothing else.

        Raises:
            UsageError: it could be either of two columns.
        """
        for count in range(len(parts), 0, -1):
            written = ".".join(parts[:count])
            if written in self.listings.column_names:
                return written, parts[count:]
            alike = [name for name in self.listings.column_names if name.casefold() == written.casefold()]
            if len(alike) > 1:
                either = " or ".join(map(repr, alike))
                raise UsageError(f"the filter {condition!r}: {written!r} could be {either}: write which")
            if alike:
                return alike[0], parts[count:]
        return None

    def table(self, row: str) -> pa.Table:
        """The columns named so far, and each row's number as the column `row`."""
        return pa.table({**self._columns, row: np.arange(self.listings.num_rows)})


def rewrite(connection: duckdb.DuckDBPyConnection, condition: str, readings: Readings) -> str:
    """A condition, one expression, with the names of `readings`; a name that no column has stays.

    Raises:
        UsageError: a name could be either of two columns.
        duckdb.Error: the condition cannot be parsed.
    """
    parsed = json.loads(_value(connection, _SERIALIZE, f"{_SELECT}{condition}"))
    for expression in parsed["statements"][0]["node"]["select_list"]:
        _Rewriter(readings, condition).visit({"children": [expression]}, Reading.NUMBERS)
    return _value(connection, _DESERIALIZE, json.dumps(parsed)).removeprefix(_SELECT)


class _Rewriter:
    def __init__(self, readings: Readings, condition: str) -> None:
        self.readings = readings
        self.condition = condition

    def visit(self, node: Node, outer: Reading) -> None:
        """Renames the columns in a node. outer: the reading where the node stands, which its function's
        arguments share."""
        children = list(_children(node))
        reading = self._reading(node, children, outer)
        for child in children:
            if child.get("class") != "COLUMN_REF":
                self.visit(child, reading)
            elif found := self.readings.find(child["column_names"], self.condition):
                column, fields = found
                child["column_names"] = [self.readings.name(column, reading), *fields]

    def _reading(self, node: Node, children: list[Node], outer: Reading) -> Reading:
        texts = [text for child in children for text in _quoted(child)]
        kind = node.get("class")
        if texts:
            return Reading.EMPTY_TEXT if "" in texts else Reading.TEXT
        if kind == "COLLATE" or (kind == "CAST" and node["type_expr"]["type_name"].lower() in _TEXT_TYPES):
            return Reading.TEXT
        if kind == "FUNCTION" and not any(child.get("class") == "CONSTANT" for child in children):
            return outer
        named = [child["column_names"] for child in children if child.get("class") == "COLUMN_REF"]
        found = [self.readings.find(names, self.condition) for names in named] if len(named) > 1 else []
        words = any(each is not None and self.readings.is_words(each[0]) for each in found)
        return Reading.TEXT if words else Reading.NUMBERS


def _children(node: Node) -> Iterator[Node]:
    """The nearest expressions under a node."""
    for value in node.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and "class" in each:
                yield each
            elif isinstance(each, dict):
                yield from _children(each)


def _quoted(node: Node) -> Iterator[str]:
    """The quoted texts that a node is, or is a list of."""
    if node.get("class") == "CONSTANT" and node["literal"]["kind"] == "STRING":
        yield node["literal"]["text"]
    elif node.get("function_name") == "list_value":
        for child in _children(node):
            yield from _quoted(child)


def _value(connection: duckdb.DuckDBPyConnection, query: str, argument: str) -> str:
    [row] = connection.execute(query, [argument]).fetchall()
    return str(row[0])
