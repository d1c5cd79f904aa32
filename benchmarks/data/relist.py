"""Listings made from a catalog: products listed again, by another seller, heavily edited.

Either every product as a query, or some of them beside the others in a catalog whose truth is known.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.relisting.listing import relist
from itemsearch.types import Listing, RowBatch

SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "title": pa.string(),
        "image": pa.binary(),
        "expected_id": pa.string(),
        "word_edits": pa.string(),
        "picture_edits": pa.string(),
    }
)

AGAIN, TWICE = 1 / 10, 1 / 3
"""Share of products that `write_listed_again` lists a second time, and of those the share with a third."""
PRODUCT, SELLER = "product", "seller"
SHOP = "the shop"
SELLERS = 20
"""Other sellers; the listings of one product are of different ones."""


def write_relisted(batches: Iterable[RowBatch[Listing]], out: Path, seed: int) -> int:
    """Writes a queries file with what each should find and the edits made; returns the number of queries.

    The edits of a product depend on the seed and its row alone.
    """
    count = 0
    with pq.ParquetWriter(out, SCHEMA) as writer:
        for batch in batches:
            writer.write_batch(_relisted(batch, seed))
            count += len(batch.items)
    return count


def write_listed_again(batches: Iterable[RowBatch[Listing]], out: Path, seed: int) -> int:
    """Writes a catalog with some products listed again.

    Its columns `PRODUCT` and `SELLER` say which product a row is a listing of, and whose.

    Another seller names the category and nothing else of the carried columns. What is listed again, and how,
    depends on the seed and the product's row alone.

    Returns:
        The number of listings.
    """
    writer, count = None, 0
    try:
        for batch in batches:
            table = _listed_again(batch, seed)
            writer = writer or pq.ParquetWriter(out, table.schema)
            writer.write_table(table)
            count += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


def _listed_again(batch: RowBatch[Listing], seed: int) -> pa.Table:
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    rows: list[tuple[str, str, bytes | None, str, str, str]] = []
    carried: list[int | None] = []
    described = batch.carried.select(texts).to_pylist()
    for place, (product, known) in enumerate(zip(batch.items, described, strict=True)):
        picture = None if product.image is None else encoded(product.image, "PNG")
        rows.append((product.id, product.title, picture, product.category, product.id, SHOP))
        carried.append(place)
        rng = np.random.default_rng([seed, product.row])
        copies = 0 if rng.random() >= AGAIN else 1 if rng.random() >= TWICE else 2
        for copy in range(1, copies + 1):
            listed = relist(product, known, rng)
            picture = None if listed.image is None else encoded(listed.image)
            seller = f"seller {(product.row + copy) % SELLERS}"
            again = (f"{product.id}:{copy}", listed.title, picture, product.category, product.id, seller)
            rows.append(again)
            carried.append(None)
    names = ("id", "title", "image", "category", PRODUCT, SELLER)
    kinds = (pa.string(), pa.string(), pa.binary(), pa.string(), pa.string(), pa.string())
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    made = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    kept = [name for name in batch.carried.schema.names if name not in (PRODUCT, SELLER)]
    taken = batch.carried.select(kept).take(pa.array(carried, pa.int64()))
    return pa.table([*made, *taken.columns], names=[*names, *taken.schema.names])


def _relisted(batch: RowBatch[Listing], seed: int) -> pa.RecordBatch:
    rows = []
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    for product, carried in zip(batch.items, batch.carried.select(texts).to_pylist(), strict=True):
        listed = relist(product, carried, np.random.default_rng([seed, product.row]))
        picture = None if listed.image is None else encoded(listed.image)
        edits = ("+".join(listed.word_edits), "+".join(listed.picture_edits))
        rows.append((f"{product.id}:relisted", listed.title, picture, product.id, *edits))
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def encoded(image: Image.Image, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)  # PNG is lossless and has no quality
    return buffer.getvalue()
