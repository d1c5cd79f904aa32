"""Relisting products: listings of a catalog written again as another seller would, with heavy edits.

Every listing becomes a query, or some listings are added to a catalog whose true products are known.
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
"""The share of products that `write_listed_again` lists a second time, and of those the share that it lists a
third time."""
PRODUCT, SELLER = "product", "seller"
SHOP = "the shop"
SELLERS = 20
"""The number of other sellers; the listings of one product have different sellers."""


def write_relisted(batches: Iterable[RowBatch[Listing]], out: Path, seed: int) -> int:
    """Writes a queries file: every listing relisted, with its expected id and the names of its edits.

    The edits of a listing depend on the seed and its row alone.

    Returns:
        The number of queries.
    """
    count = 0
    with pq.ParquetWriter(out, SCHEMA) as writer:
        for batch in batches:
            writer.write_batch(_relisted(batch, seed))
            count += len(batch.items)
    return count


def write_listed_again(batches: Iterable[RowBatch[Listing]], out: Path, seed: int) -> int:
    """Writes a catalog with some products listed again.

    Its columns `PRODUCT` and `SELLER` hold the product and the seller of each listing. A relisting has the
    category and no other carried column. The choice of relistings and their edits depend on the seed and the
    listing's row alone.

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
    rows: list[tuple[str, str, bytes | None, str, str, str]] = []
    carried_rows: list[int | None] = []
    for place, (listing, texts) in enumerate(zip(batch.items, carried_text_rows(batch), strict=True)):
        image = None if listing.image is None else encode_image(listing.image, "PNG")
        rows.append((listing.id, listing.title, image, listing.category, listing.id, SHOP))
        carried_rows.append(place)
        rng = np.random.default_rng([seed, listing.row])
        copies = 0 if rng.random() >= AGAIN else 1 if rng.random() >= TWICE else 2
        for copy in range(1, copies + 1):
            relisted = relist(listing, texts, rng)
            image = None if relisted.image is None else encode_image(relisted.image)
            seller = f"seller {(listing.row + copy) % SELLERS}"
            rows.append((f"{listing.id}:{copy}", relisted.title, image, listing.category, listing.id, seller))
            carried_rows.append(None)
    names = ("id", "title", "image", "category", PRODUCT, SELLER)
    kinds = (pa.string(), pa.string(), pa.binary(), pa.string(), pa.string(), pa.string())
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    kept = [name for name in batch.carried.schema.names if name not in (PRODUCT, SELLER)]
    carried = batch.carried.select(kept).take(pa.array(carried_rows, pa.int64()))
    return pa.table([*arrays, *carried.columns], names=[*names, *carried.schema.names])


def _relisted(batch: RowBatch[Listing], seed: int) -> pa.RecordBatch:
    rows = []
    for listing, texts in zip(batch.items, carried_text_rows(batch), strict=True):
        relisted = relist(listing, texts, np.random.default_rng([seed, listing.row]))
        image = None if relisted.image is None else encode_image(relisted.image)
        edits = ("+".join(relisted.word_edits), "+".join(relisted.picture_edits))
        rows.append((f"{listing.id}:relisted", relisted.title, image, listing.id, *edits))
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def carried_text_rows(batch: RowBatch[Listing]) -> list[dict[str, str | None]]:
    """The carried text columns of a batch: for each listing, column name to text."""
    names = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    rows: list[dict[str, str | None]] = batch.carried.select(names).to_pylist()
    return rows


def encode_image(image: Image.Image, kind: str = "JPEG") -> bytes:
    """The bytes of an image file. kind: "JPEG" or "PNG"."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)  # PNG is lossless and ignores the quality
    return buffer.getvalue()
