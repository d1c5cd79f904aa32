"""A queries file, batch by batch: every row becomes a query or a reject."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from itemsearch.catalog.images import decode_image
from itemsearch.catalog.rows import RowSource, check_columns, open_tables, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.types import Query, QueryBatch

_COLUMNS = {"id": "query_id", "title": "title", "image": "image", "embedding": "embedding"}


def read_queries(path: str, batch_rows: int = 512) -> Iterator[QueryBatch]:
    """Opens a queries file and reads it as a stream.

    Its columns are `query_id` and one at least of `title`, `image` (as in a catalog) and `embedding` (a
    Parquet list of numbers, a JSON array); others are ignored.

    Raises:
        CatalogNotFoundError: no such file.
        MissingColumnError: a column that is needed is not there.
        EmptyCatalogError: not a single row; raised at the end.
        CatalogError: the file is damaged or of no known format.
    """
    tables = open_tables(path)
    check_columns(tables, _COLUMNS, ("title", "image", "embedding"), "rename yours")
    source = RowSource(path, tables, _COLUMNS, pa.schema([]), None, batch_rows)
    return (QueryBatch(batch.rows, batch.items, batch.rejects) for batch in read_rows(source, _query))


def _query(cells: Cells, data: bytes | None) -> Query:
    image = None if data is None else decode_image(data)
    return Query(cells.row, cells.id, cells.title, image, cells.embedding)
