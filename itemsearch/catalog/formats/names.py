"""Gives every column of a table a name of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

_WRITTEN = b"itemsearch.written"
"""In the metadata of a field: the name that the file has, where the column goes by another."""


def distinct_schema(names: Sequence[str], types: Sequence[pa.DataType]) -> pa.Schema:
    """The schema of columns whose names may be empty or there twice.

    An empty name becomes `column_N`, N the column's place from 1; the second column of a name becomes
    `NAME_2`, or the next number that is free. `renamed` tells which.
    """
    taken = set(names)
    seen: set[str] = set()
    fields = []
    for number, (name, kind) in enumerate(zip(names, types, strict=True), 1):
        own = name
        if not name or name in seen:
            own = _free(f"{name}_" if name else "column_", 2 if name else number, taken)
        seen.add(own)
        taken.add(own)
        fields.append(pa.field(own, kind, metadata=None if own == name else {_WRITTEN: name.encode()}))
    return pa.schema(fields)


def renamed(schema: pa.Schema) -> dict[str, str]:
    """The columns that go by another name than in the file: their names to those that the file has."""
    return {
        field.name: field.metadata[_WRITTEN].decode()
        for field in schema
        if field.metadata and _WRITTEN in field.metadata
    }


def _free(start: str, number: int, taken: set[str]) -> str:
    while f"{start}{number}" in taken:
        number += 1
    return f"{start}{number}"
