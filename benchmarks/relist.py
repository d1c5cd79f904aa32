"""Queries made from a catalog: every product listed again, by another seller, heavily edited."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.types import CatalogBatch

EDITS = (1, 3)
"""Least and most edits at once, of the words and of the picture each."""

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


def write_relisted(catalog: CatalogConfig, out: Path, seed: int) -> int:
    """Writes a queries file with what each should find and the edits made; returns the number of queries.

    The edits of a product depend on the seed and its row alone.
    """
    count = 0
    with pq.ParquetWriter(out, SCHEMA) as writer:
        for batch in read_catalog(catalog):
            writer.write_batch(_relisted(batch, seed))
            count += len(batch.products)
    return count


def _relisted(batch: CatalogBatch, seed: int) -> pa.RecordBatch:
    rows = []
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    for product, carried in zip(batch.products, batch.carried.select(texts).to_pylist(), strict=True):
        rng = np.random.default_rng([seed, product.row])
        attributes = {"category": product.category, **{name: value or "" for name, value in carried.items()}}
        title, word_edits = reword(product.title, attributes, rng, int(rng.integers(EDITS[0], EDITS[1] + 1)))
        picture: bytes | None = None
        picture_edits: tuple[str, ...] = ()
        if product.image is not None:
            image, picture_edits = rephotograph(product.image, rng, int(rng.integers(EDITS[0], EDITS[1] + 1)))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=90)
            picture = buffer.getvalue()
        edits = ("+".join(word_edits), "+".join(picture_edits))
        rows.append((f"{product.id}:relisted", title, picture, product.id, *edits))
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
