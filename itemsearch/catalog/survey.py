"""Counts what a catalog holds before its pictures are decoded, and finds its placeholders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b

import pyarrow as pa

from itemsearch.catalog.images import looks_like_image
from itemsearch.catalog.placeholders import Placeholder, SharedPictures, image_digest
from itemsearch.catalog.row_pictures import Pictures
from itemsearch.catalog.rows import RowSource, read_rows
from itemsearch.catalog.validate import Cells


@dataclass(frozen=True, slots=True)
class Survey:
    """Counts of a catalog's rows by what can be told of them without decoding a picture.

    rows = listings + rejected. without_title, without_image: of the listings; a picture counts if its first
    bytes are an image's and it is no placeholder. repeated: how many listings have the title and the pictures
    of an earlier one. placeholders: the most shared first.
    """

    rows: int
    listings: int
    without_title: int
    without_image: int
    repeated: int
    placeholders: tuple[Placeholder, ...]

    @property
    def rejected(self) -> int:
        return self.rows - self.listings


def survey_catalog(source: RowSource) -> Survey:
    """Reads a catalog's ids, titles and encoded pictures to the end.

    All pictures of a row are hashed and not decoded: a chart of sizes among them is a placeholder too. Memory
    grows with the listings and their pictures: a hash of each, and a title.

    Raises:
        CatalogError: as `Catalog.batches`.
    """
    columns = {role: source.columns[role] for role in ("id", "title", "image")}
    shared = SharedPictures()
    seen: set[int] = set()
    counts: Counter[str] = Counter()
    for batch in read_rows(replace(source, columns=columns, carried=pa.schema([])), _listed):
        counts["rows"] += batch.rows
        for listing in batch.items:
            shared.add(listing.title, listing.pictures)
            counts["without_title"] += not listing.title
            counts["without_image"] += not listing.pictures
            seen.add(listing.digest)
        counts["listings"] += len(batch.items)
    placeholders = shared.placeholders()
    return Survey(
        rows=counts["rows"],
        listings=counts["listings"],
        without_title=counts["without_title"],
        without_image=counts["without_image"] + sum(each.alone for each in placeholders),
        repeated=counts["listings"] - len(seen),
        placeholders=placeholders,
    )


def find_placeholders(source: RowSource) -> tuple[Placeholder, ...]:
    """The placeholders of a catalog, as of `survey_catalog`; a catalog without pictures is not read."""
    image_columns = source.columns["image"]
    if not any(name in table.schema.names for table in source.tables for name in image_columns):
        return ()
    return survey_catalog(source).placeholders


@dataclass(frozen=True, slots=True)
class _Listed:
    """A listing's title, the digests and names of its pictures, and a hash of the title and the digests."""

    title: str
    pictures: dict[int, str]
    digest: int


def _listed(cells: Cells, pictures: Pictures) -> _Listed:
    shown = {
        image_digest(picture.data): picture.name or f"the image of id {cells.id!r}"
        for picture in pictures
        if looks_like_image(picture.data)
    }
    content = repr((cells.title, tuple(shown))).encode()
    return _Listed(cells.title, shown, int.from_bytes(blake2b(content, digest_size=8).digest(), "little"))
