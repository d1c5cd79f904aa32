"""Tells which columns of a catalog each role is read from, and leaves out those that are not wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from itemsearch.catalog.config import DEFAULT_COLUMNS, CatalogConfig
from itemsearch.catalog.formats.tables import Records, Table, WrappedTable
from itemsearch.columns import no_column
from itemsearch.errors import MissingColumnError, UsageError

JOIN = "+"


def split_columns(expression: str, present: Collection[str]) -> tuple[str, ...]:
    """The columns that an expression names: "brand+name" is two, unless a column is called so.

    Of the ways to read it, the one of the longest names that are in `present`; where there is none, the text
    between the signs.
    """
    if expression in present or JOIN not in expression:
        return (expression,)
    places = [place for place, sign in enumerate(expression) if sign == JOIN]
    for place in reversed(places):
        first, rest = expression[:place].strip(), expression[place + 1 :].strip()
        if first in present and rest:
            columns = split_columns(rest, present)
            if all(column in present for column in columns):
                return (first, *columns)
    return tuple(part.strip() for part in expression.split(JOIN))


def map_columns(
    config: CatalogConfig, tables: Sequence[Table], of_export: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Role to the columns that it is read from; the texts of more than one are joined with a space.

    Args:
        of_export: the roles of a recognised export, which those of `config` override.

    Raises:
        MissingColumnError: a column that the config names is in no file.
    """
    present = dict.fromkeys(name for table in tables for name in table.schema.names)
    mapping = {}
    for role, expression in {**DEFAULT_COLUMNS, **of_export, **config.columns}.items():
        mapping[role] = columns = split_columns(expression, present)
        missing = [column for column in columns if column not in present]
        if present and role in config.columns and missing:
            purpose = f", which --column {role}={expression} asks for"
            raise MissingColumnError(
                f"{config.path}: {no_column(sorted(present), missing[0], purpose=purpose)}"
            )
    return mapping


def without_columns(config: CatalogConfig, tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables without the columns that are to be ignored.

    Raises:
        MissingColumnError: a column to ignore is in no file.
        UsageError: a column is both ignored and asked for.
    """
    present = {name for table in tables for name in table.schema.names}
    for name in config.ignored:
        if present and name not in present:
            purpose = ", which --ignore-column asks to leave out"
            raise MissingColumnError(f"{config.path}: {no_column(sorted(present), name, purpose=purpose)}")
        for role, expression in config.columns.items():
            if name in split_columns(expression, present):
                raise UsageError(f"--ignore-column {name} leaves out what --column {role}={expression} reads")
    if not config.ignored:
        return tuple(tables)
    return tuple(_WithoutColumns(table, frozenset(config.ignored)) for table in tables)


@dataclass(frozen=True, slots=True)
class _WithoutColumns(WrappedTable):
    ignored: frozenset[str]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([field for field in self.table.schema if field.name not in self.ignored])

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        for records in self.table.read([c for c in columns if c not in self.ignored], carried, batch_rows):
            missing = {name: [None] * len(records.places) for name in self.ignored.intersection(columns)}
            yield replace(records, columns={**records.columns, **missing})
