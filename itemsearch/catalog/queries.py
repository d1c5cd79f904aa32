"""A queries file, batch by batch: every row becomes a query or a reject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from itemsearch.catalog.images import decode_image
from itemsearch.catalog.rows import RowBatch, RowSource, check_columns, open_tables, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.types import Query, QueryBatch

_COLUMNS = {"id": "query_id", "title": "title", "image": "image", "embedding": "embedding"}


def read_queries(path: str, batch_rows: int = 512, other: str = "") -> Iterator[QueryBatch]:
    """Opens a queries file and reads it as a stream.

    Its columns are `query_id` and one at least of `title`, `image` (as in a catalog) and `embedding` (a
    Parquet list of numbers, a JSON array), and the one called `other`, if any; the rest is ignored.

    Raises:
        CatalogNotFoundError: no such file.
        MissingColumnError: a column that is needed is not there.
        EmptyCatalogError: not a single row; raised at the end.
        CatalogError: the file is damaged or of no known format.
    """
    tables = open_tables(path)
    check_columns(tables, _COLUMNS, ("title", "image", "embedding"), "rename yours")
    if other:
        check_columns(tables, {**_COLUMNS, "other": other}, ("other",), "results have to differ in it")
    carried = pa.schema([(other, pa.string())] if other else [])
    source = RowSource(path, tables, _COLUMNS, carried, None, batch_rows)
    return (_batch(batch) for batch in read_rows(source, _query))


def _batch(batch: RowBatch[Query]) -> QueryBatch:
    queries = batch.items
    if batch.carried.num_columns:
        others = batch.carried.column(0).to_pylist()
        queries = tuple(replace(query, other=other) for query, other in zip(queries, others, strict=True))
    return QueryBatch(batch.rows, queries, batch.rejects)


def _query(cells: Cells, data: bytes | None) -> Query:
    image = None if data is None else decode_image(data)
    return Query(cells.row, cells.id, cells.title, image, cells.embedding)
