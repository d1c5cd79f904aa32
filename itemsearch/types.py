"""Defines the dataclasses that travel between modules: listings, queries, rejects and batches of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from PIL import Image

T = TypeVar("T")


class RejectReason(StrEnum):
    """Why a row was rejected, or why its picture cannot be used. The value is the `reason` of
    `rejects.parquet` and `rejects.csv`."""

    MALFORMED = "malformed"
    MISSING_ID = "missing_id"
    DUPLICATE_ID = "duplicate_id"
    EMPTY = "no_title_and_no_image"
    PLACEHOLDER = "no_title_and_placeholder_image"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_ADDRESS = "image_is_an_address"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_MALFORMED = "image_malformed"


@dataclass(frozen=True, slots=True)
class Reject:
    """A rejected row.

    row: counts the rows of all the files from 1, in order. message: says what to mend. no_title: as written,
    a title that is none (`titles.is_no_title`); "" for any other.
    """

    row: int
    id: str
    reason: RejectReason
    message: str
    no_title: str = ""


@dataclass(frozen=True, slots=True)
class ImageProblem:
    """Why a picture of a row cannot be used.

    place: of the row, as in "shop.csv line 7". message: says what to mend, wherever the row is.
    """

    reason: RejectReason
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A row of a catalog that passed validation.

    title, image: "" and None where the row has none; never both. The title is folded (`titles.fold_title`),
    the image the first of the row's pictures that can be used: upright, RGB and at most
    `catalog.images.MAX_SIDE` pixels a side. other_images: the further ones that can be used, at most
    `SMALL_SIDE` pixels a side. content_hash: 32 hex digits, of the title and all these pictures' encoded
    bytes; equal hashes mean equal embeddings under one model. known: the listing is embedded already, so its
    images were decoded only where they were wanted; without images it may have some. placeholder:
    the row's pictures are placeholders, and the listing therefore has none. image_number: the place of the
    image among the row's pictures, from 1; 0 for none. image_name: its path or address; "" for an embedded
    one. image_problem: of the first picture that cannot be used; the listing goes on by its title or another
    one.
    """

    row: int
    id: str
    title: str
    category: str
    image: Image.Image | None
    content_hash: str
    known: bool = False
    placeholder: bool = False
    other_images: tuple[Image.Image, ...] = ()
    image_number: int = 0
    image_name: str = ""
    image_problem: ImageProblem | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A row of a queries file that passed validation: it has a title, an image or an embedding.

    title, image: "" and None where the row has none; the image is as in `Listing`. embedding: (E,) float32,
    finite and not all zero, of one length throughout the file. other: the query's value of the column in
    which results have to differ, as text; None without such a column.
    """

    row: int
    id: str
    title: str
    image: Image.Image | None
    embedding: np.ndarray | None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class RowBatch(Generic[T]):
    """A batch of rows of a catalog (T is `Listing`) or of a queries file (`Query`).

    rows: how many were read, `len(items)` + `len(rejects)`. carried: the other columns of the items, a row
    each in the same order; its schema is the same for every batch. no_titles: of items and rejects, the
    titles that are no title, as they are written. continued: rows of the file beside these, which give their
    variants and further pictures to the row before them.
    """

    rows: int
    items: tuple[T, ...]
    carried: pa.RecordBatch
    rejects: tuple[Reject, ...]
    no_titles: tuple[str, ...] = ()
    continued: int = 0
