"""What is asked: listings, the catalog that they are looked for in, and which rows of it are right."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.predictions import Asked
from itemsearch.benchmarks.data.relist import write_relisted
from itemsearch.benchmarks.methods.baselines import Listed
from itemsearch.catalog import read_queries
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.rows import RowSource, open_tables, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.errors import CatalogError, MissingColumnError, UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.types import CatalogBatch, Listing, Query

EXPECTED = "expected_id"
SCHEMA = pa.schema(
    {"query_id": pa.string(), "title": pa.string(), "image": pa.binary(), EXPECTED: pa.string()}
)


@dataclass(frozen=True, slots=True)
class Task:
    """Q listings to be found among N.

    products: the gallery. query_ids (Q,) and asked: what is looked for. right: rows of the gallery that
    answer each. groups (Q,): the product that a listing is of. own (Q,): the row that a listing itself is, -1
    for none. queries: the file that holds the listings; None where they are products of the gallery, asked
    for by id. edits: what was done to each, where the task did it.
    """

    listings: Sequence[Listing]
    query_ids: Sequence[str]
    asked: Listed
    right: Sequence[Rows]
    groups: Sequence[str]
    own: Rows
    queries: Path | None
    edits: Sequence[Sequence[str]]

    @property
    def gallery(self) -> Listed:
        return Listed([p.title for p in self.listings], [p.image for p in self.listings])

    @property
    def facts(self) -> Asked:
        """What is kept of the queries with the predictions; their category is that of what is right."""
        places = [right[0] if own < 0 else own for right, own in zip(self.right, self.own, strict=True)]
        return Asked(
            query_ids=self.query_ids,
            listings=self.groups,
            categories=[self.listings[place].category for place in places],
            modalities=[
                modality(title, image)
                for title, image in zip(self.asked.titles, self.asked.images, strict=True)
            ],
            edits=self.edits,
            right_ids=[self.listings[right[0]].id for right in self.right],
        )


def relisted_task(batches: Sequence[CatalogBatch], queries: Path, seed: int) -> Task:
    """Every product listed again, heavily edited, to be found among all; writes the queries file."""
    write_relisted(batches, queries, seed)
    held = pq.read_table(queries, columns=[EXPECTED, "word_edits", "picture_edits"]).to_pylist()
    asked = [query for batch in read_queries(str(queries)) for query in batch.queries]
    edits = [_edit_names(row["word_edits"], row["picture_edits"]) for row in held]
    return _expecting(products_of(batches), asked, [row[EXPECTED] for row in held], queries, edits)


def queries_task(
    batches: Sequence[CatalogBatch],
    source: str,
    columns: Mapping[str, str],
    queries: Path,
    image_root: Path | None = None,
) -> Task:
    """The listings of a queries file, whose column expected_id says what each should find.

    Args:
        columns: role ("title", "image") to column name, where it is another.
        queries: where the listings are written as they were read, for the report.
        image_root: where image paths start; None for the file's own folder.

    Raises:
        MissingColumnError: no such column.
        CatalogError: a query that cannot be read, or an expected id that the catalog does not hold.
    """
    tables = open_tables(source)
    roles = {"id": "query_id", "title": "title", "image": "image", **columns}
    for table in tables:
        if missing := [name for name in (*columns.values(), EXPECTED) if name not in table.schema.names]:
            raise MissingColumnError(f"{source}: no column {missing[0]!r}: a query needs it")
    carried = pa.schema([(EXPECTED, pa.string())])
    asked: list[Query] = []
    expected: list[str] = []
    for batch in read_rows(RowSource(source, tables, roles, carried, image_root, 512), _query):
        if batch.rejects:
            first = batch.rejects[0]
            raise CatalogError(f"{source}: row {first.row}, query_id {first.id!r}: {first.message}")
        asked += batch.items
        expected += batch.carried[EXPECTED].to_pylist()
    written = {
        "query_id": [query.id for query in asked],
        "title": [query.title for query in asked],
        "image": [None if query.image is None else _lossless(query.image) for query in asked],
        EXPECTED: expected,
    }
    pq.write_table(pa.table(written, schema=SCHEMA), queries)
    return _expecting(products_of(batches), asked, expected, queries, [()] * len(asked))


def same_task(batches: Sequence[CatalogBatch], column: str) -> Task:
    """Every product that has another of equal `column`, asked for by its id; any other of them is right.

    Raises:
        UsageError: no such column, or no two products of equal value.
    """
    listings = products_of(batches)
    groups = [text for batch in batches for text in carried_texts(batch, column, "--same")]
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    own = [row for row, group in enumerate(groups) if group and len(rows[group]) > 1]
    if not own:
        raise UsageError(f"--same {column}: no two products have the same value")
    return Task(
        listings=listings,
        query_ids=[listings[row].id for row in own],
        asked=Listed([listings[row].title for row in own], [listings[row].image for row in own]),
        right=[np.array([other for other in rows[groups[row]] if other != row]) for row in own],
        groups=[groups[row] for row in own],
        own=np.array(own),
        queries=None,
        edits=[()] * len(own),
    )


def carried_texts(batch: CatalogBatch, column: str, option: str) -> list[str]:
    """A carried column of a batch, as texts; "" where it is missing.

    Raises:
        UsageError: no such column.
    """
    if column not in batch.carried.schema.names:
        names = ", ".join(batch.carried.schema.names) or "none"
        raise UsageError(
            f"{option} {column}: the catalog has no such column; beside the usual it has {names}"
        )
    return ["" if value is None else str(value) for value in batch.carried[column].to_pylist()]


def modality(title: str, image: Image.Image | None) -> str:
    """What a listing has."""
    return "title and picture" if title and image is not None else "title alone" if title else "picture alone"


def products_of(batches: Sequence[CatalogBatch]) -> list[Listing]:
    return [product for batch in batches for product in batch.listings]


def _expecting(
    listings: Sequence[Listing],
    asked: Sequence[Query],
    expected: Sequence[str],
    queries: Path,
    edits: Sequence[Sequence[str]],
) -> Task:
    row = {product.id: place for place, product in enumerate(listings)}
    unknown = [id for id in expected if id not in row]
    if unknown:
        raise CatalogError(
            f"{queries}: {len(unknown)} of {len(expected)} expected ids are not in the catalog, "
            f"{unknown[0]!r} the first of them"
        )
    return Task(
        listings=listings,
        query_ids=[query.id for query in asked],
        asked=Listed([query.title for query in asked], [query.image for query in asked]),
        right=[np.array([row[id]]) for id in expected],
        groups=expected,
        own=np.full(len(asked), -1),
        queries=queries,
        edits=edits,
    )


def _edit_names(words: str, picture: str) -> Sequence[str]:
    made = [
        *(f"words: {name}" for name in words.split("+") if name),
        *(f"picture: {name}" for name in picture.split("+") if name),
    ]
    return [f"{len(made)} edits", *made]


def _query(cells: Cells, data: bytes | None) -> Query:
    image = None if data is None else decode_image(data)
    return Query(cells.row, cells.id, cells.title, image, None)


def _lossless(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
