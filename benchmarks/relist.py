"""Queries made from a catalog: every product listed again, by another seller, heavily edited."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.relisting.listing import relist
from itemsearch.types import CatalogBatch

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


def write_relisted(batches: Iterable[CatalogBatch], out: Path, seed: int) -> int:
    """Writes a queries file with what each should find and the edits made; returns the number of queries.

    The edits of a product depend on the seed and its row alone.
    """
    count = 0
    with pq.ParquetWriter(out, SCHEMA) as writer:
        for batch in batches:
            writer.write_batch(_relisted(batch, seed))
            count += len(batch.products)
    return count


def _relisted(batch: CatalogBatch, seed: int) -> pa.RecordBatch:
    rows = []
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    for product, carried in zip(batch.products, batch.carried.select(texts).to_pylist(), strict=True):
        listed = relist(product, carried, np.random.default_rng([seed, product.row]))
        picture = None if listed.image is None else encoded(listed.image)
        edits = ("+".join(listed.word_edits), "+".join(listed.picture_edits))
        rows.append((f"{product.id}:relisted", listed.title, picture, product.id, *edits))
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
