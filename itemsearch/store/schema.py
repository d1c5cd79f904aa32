"""Defines the columns of a store, and makes the thumbnails that pages and reports show."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
from PIL import Image

from itemsearch.catalog.images import SMALL_SIDE
from itemsearch.store.manifest import STORE_VERSION, ModelStamp
from itemsearch.store.sketches import Sketches
from itemsearch.types import Listing

STAGING = ".staging"
"""The folder in a store where the shards of a run stay until it is finished."""
SHARDS = "part-*.parquet"
"""The shards in a folder of a store; other files there are not shards."""
MODEL_NAME = b"itemsearch.model"


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """What a store keeps of N listings' pictures. thumbnails: JPEGs of the embedded ones, None for a listing
    without a picture. others: `Sketches.to_bytes` of the further ones, None for none."""

    thumbnails: list[bytes | None]
    others: list[bytes | None]

    @classmethod
    def of(cls, listings: Sequence[Listing]) -> Self:
        """Of listings whose pictures are decoded."""
        thumbnails = [None if each.image is None else thumbnail(each.image) for each in listings]
        sketched = [[thumbnail(image) for image in each.other_images] for each in listings]
        return cls(thumbnails, [Sketches.of_jpegs(each).to_bytes() or None for each in sketched])


def store_schema(carried: pa.Schema, dim: int, dtype: str, model: ModelStamp) -> pa.Schema:
    """The schema of a store: its own columns, then those carried from the catalog. The metadata describes the
    embeddings.

    other_pictures: `Sketches.to_bytes` of the pictures that were not embedded; null for none. image_number,
    image_name: which of the row's pictures was embedded, from 1, and its path or address; null without one.
    image_problem: the reason and message of the first picture that could not be used.
    """
    numbers = {"float32": pa.float32(), "float16": pa.float16()}[dtype]
    ours = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("category", pa.string()),
        pa.field("embedding", pa.list_(numbers, dim), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("has_title", pa.bool_(), nullable=False),
        pa.field("has_image", pa.bool_(), nullable=False),
        pa.field("thumbnail", pa.binary()),
        pa.field("other_pictures", pa.binary()),
        pa.field("image_number", pa.int32()),
        pa.field("image_name", pa.string()),
        pa.field("image_problem", pa.string()),
    ]
    metadata = {
        "itemsearch.store_version": str(STORE_VERSION),
        MODEL_NAME.decode(): model.name,
        "itemsearch.model_fingerprint": model.fingerprint,
        "itemsearch.precision": model.precision,
        "itemsearch.dim": str(dim),
        "itemsearch.normalised": "true",
    }
    return pa.schema([*ours, *carried], metadata=metadata)


def thumbnail(image: Image.Image, side: int = SMALL_SIDE) -> bytes:
    """Encodes an image as a JPEG of at most `side` pixels a side."""
    small = image.copy()
    small.thumbnail((side, side), reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
