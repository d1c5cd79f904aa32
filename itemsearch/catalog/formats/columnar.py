"""Reads files that keep columns with types, such as Parquet, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from itemsearch.catalog.formats.names import distinct_schema, renamed
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import Records, record_batch
from itemsearch.columns import as_texts
from itemsearch.errors import CatalogError

BATCH_BYTES = 32 * 2**20
"""About the most bytes of a batch: pictures in cells may be large."""
ReadBatches = Callable[[Sequence[str] | None, int], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class ColumnarTable:
    """A file whose columns have types.

    schema: the types of the values, whatever way the file encodes them.
    read_batches: of names of columns, None for all, and a number of rows, yields these columns in batches of
        so many rows at most.
    """

    source: Source
    schema: pa.Schema
    read_batches: ReadBatches
    description: str

    @classmethod
    def build(
        cls, source: Source, schema: pa.Schema, read_batches: ReadBatches, description: str
    ) -> ColumnarTable:
        """A table of the columns in a file's `schema`; for names that are there twice: `distinct_schema`."""
        plain = distinct_schema(schema.names, [_plain_type(kind) for kind in schema.types])
        return cls(source, plain, read_batches, description)

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        row = 0
        present = [name for name in self.schema.names if name in {*columns, *carried.names}]
        # Columns are read by their names, which only tell them apart where none is renamed.
        wanted = None if renamed(self.schema) else present
        for batch in self.read_batches(wanted, batch_rows):
            if wanted is None:
                batch = batch.rename_columns(self.schema.names).select(present)
            malformed = _rows_with_bad_text(batch)
            yield Records(
                places=[f"{self.source.short_name} row {row + i + 1}" for i in range(batch.num_rows)],
                problems=["text that is not UTF-8" if i in malformed else "" for i in range(batch.num_rows)],
                columns={name: _values(batch, name, malformed) for name in columns},
                carried=self._carried(batch, carried, malformed),
            )
            row += batch.num_rows

    def _carried(
        self, batch: pa.RecordBatch, carried: pa.Schema, malformed: frozenset[int]
    ) -> pa.RecordBatch:
        arrays = []
        sound = pa.array([None if i in malformed else i for i in range(batch.num_rows)], pa.int64())
        for field in carried:
            if field.name not in batch.schema.names:
                arrays.append(pa.nulls(batch.num_rows, field.type))
                continue
            column = batch.column(field.name)
            try:
                arrays.append(_cast(column.take(sound) if malformed else column, field.type))
            except pa.ArrowException as error:
                raise CatalogError(
                    f"{self.source}: column {field.name!r} does not fit {field.type}, the type that the "
                    f"catalog's files have in common: write it as one type in all of them"
                ) from error
        return record_batch(arrays, carried, batch.num_rows)


def rows_of_bytes(bytes_of_row: float, most: int) -> int:
    """How many rows of so many bytes on average are read at a time: at least 1, and at most `most`."""
    return most if bytes_of_row * most <= BATCH_BYTES else max(1, int(BATCH_BYTES / bytes_of_row))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    plain = _plain_type(column.type)
    if column.type != plain:
        column = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
        column = column.cast(plain)
    if pa.types.is_string(kind) and not pa.types.is_string(plain):
        return as_texts(column)
    return column.cast(kind)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, whatever way they are encoded."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain_type(field.type)) for field in kind])
    if _is_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    return kind


def _is_list(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_fixed_size_list,
        pa.types.is_list_view,
        pa.types.is_large_list_view,
    )
    return any(test(kind) for test in tests)


def _rows_with_bad_text(batch: pa.RecordBatch) -> frozenset[int]:
    """Finds the rows with a string that is not UTF-8, which readers of files let through."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return frozenset(i for i in range(batch.num_rows) if not _is_readable(batch.slice(i, 1)))
    return frozenset()


def _is_readable(row: pa.RecordBatch) -> bool:
    try:
        row.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _values(batch: pa.RecordBatch, name: str, malformed: frozenset[int]) -> list[object]:
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # Python has no nanoseconds
    try:
        if not malformed:
            return list(column.to_pylist())
        # A malformed cell may not even be looked at: in a damaged file it can lie outside of the memory.
        return [None if i in malformed else column[i].as_py() for i in range(len(column))]
    except (ValueError, OverflowError):  # a time that Python has none for, such as the year 10000
        return list(as_texts(column).to_pylist())
