"""Opens Arrow files: Feather, and the streams that Hugging Face datasets are kept in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyarrow as pa

from itemsearch.catalog.formats.columnar import ColumnarTable, rows_of_bytes
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


def open_arrow(source: Source, is_stream: bool) -> ColumnarTable:
    """Opens an Arrow file and reads its schema. The format has no checksums.

    Args:
        source: of a local file. is_stream: whether it has the stream format, without a footer.

    Raises:
        CatalogError: it is damaged.
    """
    with _opened(source, is_stream) as batches:
        schema = batches.schema
    description = "Arrow stream" if is_stream else "Arrow file (Feather)"
    return ColumnarTable.build(source, schema, partial(_batches, source, is_stream), description)


def _batches(
    source: Source, is_stream: bool, columns: Sequence[str] | None, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    with _opened(source, is_stream) as reader:
        for batch in _read(reader):
            batch.validate()
            wanted = batch if columns is None else batch.select(list(columns))
            rows = rows_of_bytes(wanted.nbytes / max(wanted.num_rows, 1), batch_rows)
            for start in range(0, batch.num_rows, rows):
                yield wanted.slice(start, rows)


def _read(reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchFileReader):
        return (reader.get_batch(i) for i in range(reader.num_record_batches))
    return iter(reader)


@contextmanager
def _opened(
    source: Source, is_stream: bool
) -> Iterator[pa.RecordBatchFileReader | pa.RecordBatchStreamReader]:
    try:
        with pa.memory_map(str(source.file)) as file:
            yield pa.ipc.open_stream(file) if is_stream else pa.ipc.open_file(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        first_line, _, _ = str(error).partition("\n")
        raise CatalogError(f"{source}: a damaged Arrow file: {first_line}") from error
