"""The dataclasses that travel between modules. Frozen, no behaviour beyond derived properties."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from PIL import Image


class RejectReason(StrEnum):
    """Why a catalog row was refused. The value is what `rejects.parquet` holds."""

    MALFORMED = "malformed"
    MISSING_ID = "missing_id"
    DUPLICATE_ID = "duplicate_id"
    EMPTY = "no_title_and_no_image"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_UNREADABLE = "image_unreadable"


@dataclass(frozen=True, slots=True)
class Reject:
    """A refused row: `row` counts the catalog's rows from 1, over all its files in order."""

    row: int
    id: str
    reason: RejectReason
    message: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A row that passed validation.

    `title` is "" and `image` is None where the row lacks them; never both. `image` is upright, RGB
    and at most `catalog.images.MAX_SIDE` pixels a side. `content_hash` is a hex digest of the title
    and the image's encoded bytes: equal hashes mean equal embeddings under one model. Where a product is
    `known`, its reader was told not to decode it: `image` is None whether it has one or not.
    """

    row: int
    id: str
    title: str
    category: str
    image: Image.Image | None
    content_hash: str
    known: bool = False


@dataclass(frozen=True, slots=True)
class CatalogBatch:
    """A stretch of the catalog: `rows` read = `len(products)` + `len(rejects)`.

    `carried` holds the columns that are neither id, title, image nor category, one row a product in
    the same order; its schema is the same for every batch of a catalog.
    """

    rows: int
    listings: tuple[Listing, ...]
    carried: pa.RecordBatch
    rejects: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A row of a queries file that passed validation: at least one of title, image and embedding.

    `title` is "" and `image` is None where the row lacks them; `image` is as in `Product`.
    `embedding` is (D,) float32, finite and not all zero, with the same D throughout the file.
    `other` is its text in the column that results have to differ in, where one was asked for.
    """

    row: int
    id: str
    title: str
    image: Image.Image | None
    embedding: np.ndarray | None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class QueryBatch:
    """A stretch of a queries file: `rows` read = `len(queries)` + `len(rejects)`."""

    rows: int
    queries: tuple[Query, ...]
    rejects: tuple[Reject, ...]
