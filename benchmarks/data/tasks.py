"""Retrieval tasks: queries, the gallery of listings that they are searched in, and the right answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.predictions import QueryFacts
from itemsearch.benchmarks.data.relist import encode_image, write_relisted
from itemsearch.catalog import read_queries
from itemsearch.catalog.formats.open import open_tables
from itemsearch.catalog.row_pictures import Pictures
from itemsearch.catalog.rows import RowSource, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.columns import no_column
from itemsearch.errors import CatalogError, MissingColumnError, UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.types import Listing, Query, RowBatch

EXPECTED = "expected_id"
SCHEMA = pa.schema(
    {"query_id": pa.string(), "title": pa.string(), "image": pa.binary(), EXPECTED: pa.string()}
)


@dataclass(frozen=True, slots=True)
class TitlesAndImages:
    """What a method sees of N listings: titles ("" for none) and RGB images (None for none)."""

    titles: Sequence[str]
    images: Sequence[Image.Image | None]

    @classmethod
    def of(cls, listings: Sequence[Listing | Query]) -> TitlesAndImages:
        """The titles and images of listings or queries."""
        return cls([listing.title for listing in listings], [listing.image for listing in listings])

    @property
    def modalities(self) -> list[str]:
        """The modalities of each listing, as they stand in predictions and metrics."""
        return [_modality(title, image) for title, image in zip(self.titles, self.images, strict=True)]


@dataclass(frozen=True, slots=True)
class Task:
    """Q queries that are searched in N listings.

    Attributes:
        listings: (N,) the gallery.
        query_ids: (Q,).
        queries: (Q,) titles and images of the queries.
        right: (Q,) of each query, the rows of its right answers in the gallery.
        products: (Q,) the product of each query.
        own_rows: (Q,) the row of the query itself in the gallery, -1 for none.
        from_gallery: whether the queries are listings of the gallery, searched by id.
        edits: (Q,) names of the edits of each query, where the task made them.
    """

    listings: Sequence[Listing]
    query_ids: Sequence[str]
    queries: TitlesAndImages
    right: Sequence[Rows]
    products: Sequence[str]
    own_rows: Rows
    from_gallery: bool
    edits: Sequence[Sequence[str]]

    @property
    def query_facts(self) -> QueryFacts:
        """The columns of the queries in predictions.parquet. A query has the category of its right answer."""
        rows = [right[0] if own < 0 else own for right, own in zip(self.right, self.own_rows, strict=True)]
        return QueryFacts(
            query_ids=self.query_ids,
            products=self.products,
            categories=[self.listings[row].category for row in rows],
            modalities=self.queries.modalities,
            edits=self.edits,
            right_ids=[self.listings[right[0]].id for right in self.right],
        )


def relisted_task(batches: Sequence[RowBatch[Listing]], queries_file: Path, seed: int) -> Task:
    """Every listing, relisted with heavy edits, is searched in the catalog; writes the queries file."""
    write_relisted(batches, queries_file, seed)
    rows = pq.read_table(queries_file, columns=[EXPECTED, "word_edits", "picture_edits"]).to_pylist()
    queries = [query for batch in read_queries(str(queries_file)) for query in batch.items]
    edits = [_edit_names(row["word_edits"], row["picture_edits"]) for row in rows]
    expected = [row[EXPECTED] for row in rows]
    return _expected_task(_listings_of(batches), queries, expected, edits, queries_file)


def queries_task(
    batches: Sequence[RowBatch[Listing]],
    source: str,
    columns: Mapping[str, str],
    copy: Path,
    image_root: Path | None = None,
) -> Task:
    """The queries of a file, whose column expected_id holds the id of the right answer.

    Args:
        source: the queries file.
        columns: role ("title", "image") to column name, where it differs from the role.
        copy: the file that the queries are written into as they were read, for the report.
        image_root: the folder that image paths are relative to; None for the file's own folder.

    Raises:
        MissingColumnError: a column is missing.
        CatalogError: a query cannot be read, or the catalog has no listing of an expected id.
    """
    tables = open_tables(source)
    names = {"id": "query_id", "title": "title", "image": "image", **columns}
    roles = {role: (name,) for role, name in names.items()}
    for table in tables:
        if missing := [name for name in (*columns.values(), EXPECTED) if name not in table.schema.names]:
            raise MissingColumnError(
                f"{source}: {no_column(table.schema.names, missing[0])}: a query needs it"
            )
    carried = pa.schema([(EXPECTED, pa.string())])
    queries: list[Query] = []
    expected: list[str] = []
    for batch in read_rows(RowSource(source, tables, roles, carried, image_root, 512), _query):
        if batch.rejects:
            first = batch.rejects[0]
            raise CatalogError(f"{source}: row {first.row}, query_id {first.id!r}: {first.message}")
        queries += batch.items
        expected += batch.carried[EXPECTED].to_pylist()
    written = {
        "query_id": [query.id for query in queries],
        "title": [query.title for query in queries],
        "image": [None if query.image is None else encode_image(query.image, "PNG") for query in queries],
        EXPECTED: expected,
    }
    pq.write_table(pa.table(written, schema=SCHEMA), copy)
    return _expected_task(_listings_of(batches), queries, expected, [()] * len(queries), copy)


def same_task(batches: Sequence[RowBatch[Listing]], column: str) -> Task:
    """Every listing that has another of equal `column` is a query; the other listings are right answers.

    Raises:
        UsageError: the column is missing, or no two listings have an equal value.
    """
    listings = _listings_of(batches)
    products = [text for batch in batches for text in carried_texts(batch, column, "--same")]
    rows_of: dict[str, list[int]] = {}
    for row, product in enumerate(products):
        rows_of.setdefault(product, []).append(row)
    own_rows = [row for row, product in enumerate(products) if product and len(rows_of[product]) > 1]
    if not own_rows:
        raise UsageError(f"--same {column}: no two listings have the same value")
    return Task(
        listings=listings,
        query_ids=[listings[row].id for row in own_rows],
        queries=TitlesAndImages.of([listings[row] for row in own_rows]),
        right=[np.array([other for other in rows_of[products[row]] if other != row]) for row in own_rows],
        products=[products[row] for row in own_rows],
        own_rows=np.array(own_rows),
        from_gallery=True,
        edits=[()] * len(own_rows),
    )


def carried_texts(batch: RowBatch[Listing], column: str, option: str) -> list[str]:
    """A carried column of a batch, as texts; "" where a value is missing.

    Args:
        option: the command line's option that names the column, for the message.

    Raises:
        UsageError: the catalog has no such column.
    """
    if column not in batch.carried.schema.names:
        names = ", ".join(batch.carried.schema.names) or "none"
        raise UsageError(f"{option} {column}: the catalog has no such column; its other columns are {names}")
    return ["" if value is None else str(value) for value in batch.carried[column].to_pylist()]


def _listings_of(batches: Sequence[RowBatch[Listing]]) -> list[Listing]:
    return [listing for batch in batches for listing in batch.items]


def _expected_task(
    listings: Sequence[Listing],
    queries: Sequence[Query],
    expected: Sequence[str],
    edits: Sequence[Sequence[str]],
    queries_file: Path,
) -> Task:
    """The task of queries that have one right answer each, of the `expected` id."""
    row_of = {listing.id: row for row, listing in enumerate(listings)}
    unknown = [id for id in expected if id not in row_of]
    if unknown:
        raise CatalogError(
            f"{queries_file}: {len(unknown)} of {len(expected)} expected ids are not in the catalog, "
            f"{unknown[0]!r} the first of them"
        )
    return Task(
        listings=listings,
        query_ids=[query.id for query in queries],
        queries=TitlesAndImages.of(queries),
        right=[np.array([row_of[id]]) for id in expected],
        products=expected,
        own_rows=np.full(len(queries), -1),
        from_gallery=False,
        edits=edits,
    )


def _modality(title: str, image: Image.Image | None) -> str:
    if not title:
        return "picture alone"
    return "title alone" if image is None else "title and picture"


def _edit_names(words: str, picture: str) -> Sequence[str]:
    """The number of edits, then the name of each."""
    names = [
        *(f"words: {name}" for name in words.split("+") if name),
        *(f"picture: {name}" for name in picture.split("+") if name),
    ]
    return [f"{len(names)} edits", *names]


def _query(cells: Cells, pictures: Pictures) -> Query:
    return Query(cells.row, cells.id, cells.title, pictures.first(), None)
