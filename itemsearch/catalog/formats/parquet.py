"""Reads Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.catalog.formats.names import distinct_schema, renamed
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import Records, record_batch
from itemsearch.errors import CatalogError

_READ_BUFFER_BYTES = 2**20
"""Column chunks are read a piece at a time: a row group of images can be larger than the memory."""

_READ_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file. Page checksums, where the file has them, are verified."""

    source: Source
    schema: pa.Schema

    @classmethod
    def open(cls, source: Source) -> ParquetTable:
        """Opens a file and reads its schema.

        Raises:
            CatalogError: it is not Parquet, or is cut short.
        """
        try:
            with _open(source) as file:
                schema = file.schema_arrow
        except _READ_ERRORS as error:
            raise _damaged(source, error) from error
        return cls(source, distinct_schema(schema.names, schema.types))

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        row = 0
        for batch in self._batches({*columns, *carried.names}, batch_rows):
            malformed = _rows_with_bad_text(batch)
            yield Records(
                places=[f"{self.source.short_name} row {row + i + 1}" for i in range(batch.num_rows)],
                problems=["text that is not UTF-8" if i in malformed else "" for i in range(batch.num_rows)],
                columns={name: _values(batch, name, malformed) for name in columns},
                carried=self._carried(batch, carried),
            )
            row += batch.num_rows

    def _batches(self, names: set[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        present = [name for name in self.schema.names if name in names]
        try:
            with _open(self.source) as file:
                rows_left = file.metadata.num_rows
                # Columns are read by their names, which only tell them apart where none is renamed.
                columns = None if renamed(self.schema) else present
                for batch in file.iter_batches(batch_rows, columns=columns):
                    rows_left -= batch.num_rows
                    yield batch if columns else batch.rename_columns(self.schema.names).select(present)
        except _READ_ERRORS as error:
            raise _damaged(self.source, error) from error
        if rows_left:
            raise CatalogError(f"{self.source}: damaged: {abs(rows_left)} rows are not where its footer says")

    def _carried(self, batch: pa.RecordBatch, carried: pa.Schema) -> pa.RecordBatch:
        arrays = []
        for field in carried:
            if field.name not in batch.schema.names:
                arrays.append(pa.nulls(batch.num_rows, field.type))
                continue
            try:
                arrays.append(batch.column(field.name).cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise CatalogError(
                    f"{self.source}: column {field.name!r} does not fit {field.type}, the type that the "
                    f"catalog's files have in common: write it as one type in all of them"
                ) from error
        return record_batch(arrays, carried, batch.num_rows)


def _open(source: Source) -> pq.ParquetFile:
    return pq.ParquetFile(
        source.path, buffer_size=_READ_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
    )


def _damaged(source: Source, error: Exception) -> CatalogError:
    first_line, _, _ = str(error).partition("\n")
    return CatalogError(f"{source}: not Parquet, or damaged: {first_line}")


def _rows_with_bad_text(batch: pa.RecordBatch) -> frozenset[int]:
    """Finds the rows with a string that is not UTF-8, which Parquet readers let through."""
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
    if not malformed:
        return list(column.to_pylist())
    return [None if i in malformed else value.as_py() for i, value in enumerate(column)]
