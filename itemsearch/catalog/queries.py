"""Reads queries files batch by batch; every row becomes a query or a reject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from itemsearch.catalog.formats.open import open_tables
from itemsearch.catalog.row_pictures import Pictures
from itemsearch.catalog.rows import RowSource, check_columns, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.columns import catalog_name
from itemsearch.types import Query, RowBatch

_COLUMNS = {"id": ("query_id",), "title": ("title",), "image": ("image",), "embedding": ("embedding",)}


def read_queries(path: str, batch_rows: int = 512, other: str = "") -> Iterator[RowBatch[Query]]:
    """Opens a queries file and yields its rows.

    Its columns are `query_id`, at least one of `title`, `image` (as in a catalog) and `embedding` (a Parquet
    list of numbers, a JSON array), and the one whose stored name is `other`, if any; the rest is ignored.
    Unlike a listing, a query none of whose pictures can be used is rejected, though it has a title: it asks
    for more.

    Raises:
        CatalogNotFoundError: there is no such file.
        MissingColumnError: a column that is needed is not there.
        EmptyCatalogError: there is no row; raised at the end.
        CatalogError: the file is damaged or of no known format.
    """
    tables = open_tables(path)
    check_columns(tables, _COLUMNS, ("title", "image", "embedding"), "rename yours")
    if other:
        columns = {**_COLUMNS, "other": (catalog_name(other),)}
        check_columns(tables, columns, ("other",), "results have to differ in it")
    carried = pa.schema([(other, pa.string())] if other else [])
    source = RowSource(path, tables, _COLUMNS, carried, None, batch_rows)
    batches = read_rows(source, _query)
    return map(_with_other, batches) if other else batches


def _with_other(batch: RowBatch[Query]) -> RowBatch[Query]:
    others = batch.carried.column(0).to_pylist()
    queries = (replace(query, other=other) for query, other in zip(batch.items, others, strict=True))
    return replace(batch, items=tuple(queries))


def _query(cells: Cells, pictures: Pictures) -> Query:
    return Query(cells.row, cells.id, cells.title, pictures.first(), cells.embedding)
