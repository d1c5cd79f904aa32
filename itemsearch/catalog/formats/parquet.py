"""Opens Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.catalog.formats.columnar import ColumnarTable, rows_of_bytes
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError

_READ_BUFFER_BYTES = 2**20
"""Column chunks are read a piece at a time: a row group of images can be larger than the memory."""

_READ_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)


def open_parquet(source: Source) -> ColumnarTable:
    """Opens a Parquet file and reads its schema. Page checksums, where the file has them, are verified.

    Args:
        source: of a local file.

    Raises:
        CatalogError: it is not Parquet, or is cut short.
    """
    try:
        with _open(source) as file:
            schema = file.schema_arrow
    except _READ_ERRORS as error:
        raise _damaged(source, error) from error
    return ColumnarTable.build(source, schema, partial(_batches, source), "Parquet")


def _batches(source: Source, columns: Sequence[str] | None, batch_rows: int) -> Iterator[pa.RecordBatch]:
    try:
        with _open(source) as file:
            rows_left = file.metadata.num_rows
            rows = _rows_at_once(file.metadata, columns, batch_rows)
            for batch in file.iter_batches(rows, columns=columns and list(columns)):
                rows_left -= batch.num_rows
                yield batch
    except _READ_ERRORS as error:
        raise _damaged(source, error) from error
    if rows_left:
        raise CatalogError(f"{source}: damaged: {abs(rows_left)} rows are not where its footer says")


def _rows_at_once(metadata: pq.FileMetaData, columns: Sequence[str] | None, most: int) -> int:
    """How many rows are read at a time: at most so many, and about `BATCH_BYTES` where rows hold pictures."""
    largest = 0.0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [group.column(place) for place in range(group.num_columns)]
        size = sum(
            chunk.total_uncompressed_size
            for chunk in chunks
            if columns is None
            or {chunk.path_in_schema, chunk.path_in_schema.partition(".")[0]} & set(columns)
        )
        largest = max(largest, size / max(group.num_rows, 1))
    return rows_of_bytes(largest, most)


def _open(source: Source) -> pq.ParquetFile:
    return pq.ParquetFile(
        source.file, buffer_size=_READ_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
    )


def _damaged(source: Source, error: Exception) -> CatalogError:
    first_line, _, _ = str(error).partition("\n")
    return CatalogError(f"{source}: not Parquet, or damaged: {first_line}")
