"""Gives files of every format one interface: records, their places, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pyarrow as pa

from itemsearch.catalog.formats.source import Source


@dataclass(frozen=True, slots=True)
class Records:
    """Consecutive records of one file; every field has an entry for each record.

    Attributes:
        places: where a record is, for messages: "catalog.csv line 7".
        problems: why a record is malformed, "" where it is not.
        columns: column name to cells; None where a record has none.
        carried: the other columns, with the same schema for every file of a catalog.
        continued: how many more records of the file these were made of.
    """

    places: Sequence[str]
    problems: Sequence[str]
    columns: Mapping[str, Sequence[object]]
    carried: pa.RecordBatch
    continued: int = 0


class Table(Protocol):
    """A file of records."""

    @property
    def source(self) -> Source: ...

    @property
    def schema(self) -> pa.Schema:
        """Every column, in the file's order; none where the file has no valid record."""
        ...

    @property
    def description(self) -> str:
        """The format, for people: "JSON Lines", "xlsx, sheet Products", "commas, UTF-8"."""
        ...

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        """Yields its records, at most `batch_rows` at a time; a missing column is None, or null in `carried`.

        Raises:
            CatalogError: the file is damaged, or a cell does not fit the type in `carried`.
        """
        ...


@dataclass(frozen=True, slots=True)
class WrappedTable:
    """The base of tables that change the columns of another."""

    table: Table

    @property
    def source(self) -> Source:
        return self.table.source

    @property
    def description(self) -> str:
        return self.table.description


def describe(table: Table) -> str:
    """How a table is packed and its format, for people: "zip, gzip: commas, UTF-8"."""
    packing = table.source.packing
    return f"{packing}: {table.description}" if packing else table.description


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A record of a text file: the number of its first line, and its cells or what is wrong with it.

    A table of another unit than lines counts those: the record is the item, row or record of that number.
    continued: how many records after it gave it their variants and further pictures.
    """

    line: int
    cells: Mapping[str, str | None]
    problem: str = ""
    continued: int = 0


@dataclass(frozen=True, slots=True)
class TextTable:
    """A file whose cells are all text.

    parse: yields the records from the start at every call.
    unit: what the number of a record counts, as in "shop.csv line 7".
    """

    source: Source
    schema: pa.Schema
    parse: Callable[[], Iterator[TextRecord]]
    description: str
    unit: str = "line"

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        records = self.parse()
        while batch := list(islice(records, batch_rows)):
            yield self._records(batch, columns, carried)

    def _records(self, batch: list[TextRecord], columns: Sequence[str], carried: pa.Schema) -> Records:
        arrays = [self._column(batch, field) for field in carried]
        place = f"{self.source.short_name} {self.unit}"
        return Records(
            places=[f"{place} {record.line}" for record in batch],
            problems=[record.problem for record in batch],
            columns={name: [record.cells.get(name) for record in batch] for name in columns},
            carried=record_batch(arrays, carried, len(batch)),
            continued=sum(record.continued for record in batch),
        )

    def _column(self, batch: list[TextRecord], field: pa.Field) -> pa.Array:
        if field.name not in self.schema.names:
            return pa.nulls(len(batch), field.type)
        return pa.array([record.cells.get(field.name) for record in batch], field.type)


def text_schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])


def record_batch(arrays: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """Makes a batch of arrays, of `rows` rows even where there is no column."""
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def unify_schemas(tables: Sequence[Table], leave_out: frozenset[str]) -> pa.Schema:
    """Unifies the columns of all the files but those in `leave_out`, in order of appearance.

    Numbers and times of different widths become the widest; other types that differ become text, as a number
    here and a text there, and lists and structs that differ become JSON.
    """
    types: dict[str, pa.DataType] = {}
    for table in tables:
        for field in table.schema:
            if field.name not in leave_out:
                types[field.name] = _merge(types.get(field.name, field.type), field.type)
    return pa.schema(list(types.items()))


def _merge(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    if first == second:
        return first
    if not (pa.types.is_nested(first) and pa.types.is_nested(second)):
        schemas = [pa.schema([("", each)]) for each in (first, second)]
        with suppress(pa.ArrowTypeError, pa.ArrowInvalid):
            return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    return pa.string()


class JsonText(str):
    """A number, boolean, list or object as compact JSON; only a number may serve as an id or title."""

    __slots__ = ()


def is_unicode(cells: list[str]) -> bool:
    """Whether no cell holds a lone surrogate, which stands for a byte that is not UTF-8."""
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True
