"""Gives files of every format one interface: records, their places, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pyarrow as pa

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Records:
    """Consecutive records of one file; every field has an entry for each record.

    Attributes:
        places: where a record is, for messages: "catalog.csv line 7".
        problems: why a record is malformed, "" where it is not.
        columns: column name to cells; None where a record has none.
        carried: the other columns, with the same schema for every file of a catalog.
    """

    places: Sequence[str]
    problems: Sequence[str]
    columns: Mapping[str, Sequence[object]]
    carried: pa.RecordBatch


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
        """What the file was recognised as: "semicolons, Windows-1252"."""
        ...

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        """Yields its records, at most `batch_rows` at a time; a missing column is None, or null in `carried`.

        Raises:
            CatalogError: the file is damaged, or a cell does not fit the type in `carried`.
        """
        ...


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A record of a text file: the number of its first line, and its cells or what is wrong with it."""

    line: int
    cells: Mapping[str, str | None]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A file whose cells are all text. parse: yields the records from the start at every call."""

    source: Source
    schema: pa.Schema
    parse: Callable[[], Iterator[TextRecord]]
    description: str

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        records = self.parse()
        while batch := list(islice(records, batch_rows)):
            yield self._records(batch, columns, carried)

    def _records(self, batch: list[TextRecord], columns: Sequence[str], carried: pa.Schema) -> Records:
        arrays = [self._column(batch, field) for field in carried]
        place = f"{self.source.short_name} line"
        return Records(
            places=[f"{place} {record.line}" for record in batch],
            problems=[record.problem for record in batch],
            columns={name: [record.cells.get(name) for record in batch] for name in columns},
            carried=record_batch(arrays, carried, len(batch)),
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

    Numbers, strings and times of different widths become the widest.

    Raises:
        CatalogError: a column has types that cannot be unified.
    """
    fields: dict[str, tuple[pa.Schema, Source]] = {}
    for table in tables:
        for field in table.schema:
            if field.name in leave_out:
                continue
            schema = pa.schema([pa.field(field.name, field.type)])
            if field.name in fields:
                schema = _merge(*fields[field.name], schema, table.source)
            fields[field.name] = (schema, table.source)
    return pa.schema([schema.field(0) for schema, _ in fields.values()])


def _merge(first: pa.Schema, first_source: Source, second: pa.Schema, second_source: Source) -> pa.Schema:
    try:
        return pa.unify_schemas([first, second], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        name = first.field(0).name
        raise CatalogError(
            f"column {name!r} is {first.field(0).type} in {first_source} but {second.field(0).type} in "
            f"{second_source}: write it as one type, or read the files as two catalogs"
        ) from error


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
