"""Counts the listings and rejects of a catalog, and what in it says nothing, without embedding anything."""

from __future__ import annotations

import io
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from PIL import Image

from itemsearch.attributes.identifiers import (
    MODEL_COLUMNS,
    MOST_SHARED,
    TRADE_COLUMNS,
    IdentifierCounts,
    read_column,
)
from itemsearch.catalog.cell_text import PATH
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.formats.names import renamed
from itemsearch.catalog.formats.open import LeftOut
from itemsearch.catalog.formats.tables import describe
from itemsearch.catalog.image_problems import ImageProblemCount, ImageProblemTally
from itemsearch.catalog.placeholders import Placeholder
from itemsearch.catalog.read import Catalog, open_catalog
from itemsearch.catalog.survey import find_placeholders
from itemsearch.columns import catalog_name, read_texts
from itemsearch.types import Listing, Reject, RejectReason, RowBatch

_EXAMPLES = 3


SAMPLE = 20
PICTURE_SIDE = 224
"""The most pixels a side of a picture in the sample."""


@dataclass(frozen=True, slots=True)
class ListingExample:
    """A listing as it is embedded. size: width and height of its picture as it was decoded; None for no
    picture. picture: a JPEG of at most `PICTURE_SIDE` pixels a side, or None. carried: its other columns, as
    text."""

    id: str
    title: str
    category: str
    size: tuple[int, int] | None
    picture: bytes | None
    carried: Mapping[str, str]

    @classmethod
    def of(cls, listing: Listing, carried: Mapping[str, object]) -> Self:
        image, texts = listing.image, {name: str(value) for name, value in carried.items() if value}
        size, picture = (None, None) if image is None else (image.size, _jpeg(image))
        return cls(listing.id, listing.title, listing.category, size, picture, texts)


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """Counts over a whole catalog: `rows` = `listings` + the sum of `rejects`.

    without_title, without_image: of the listings. placeholder_images: of those without image, how many have a
    placeholder. image_problems: the listings that have a picture which cannot be used, by reason, the most
    frequent first. categories: how many different ones, "" not counted; category_paths: how many of them are
    paths. columns: role to the columns that it is read from, those that no file has left out. renamed: the
    columns that go by another name, to the name that the file has: a second column of one name, or one of a
    name that the store uses itself. rejects: by reason. examples: the first rejects of each reason.
    no_titles: of all rows, the titles that are no title, as they are written, and how many rows have each,
    the most frequent first. placeholders: the pictures that many listings with unlike titles share, rejected
    rows included. identifiers: of the listings, by column that is taken for one. formats: what files were
    recognised as, "gzip: semicolons, Windows-1252", and how many. left_out: the files beside them that are no
    tables. export: the export that was recognised, "" for none. continued: rows of the files beside `rows`,
    which give their variants and further pictures to another. export_rows: what becomes of the export's rows,
    in words. sample: listings drawn at random, the same at every run.
    """

    formats: Mapping[str, int]
    left_out: tuple[LeftOut, ...]
    rows: int
    listings: int
    without_title: int
    without_image: int
    placeholder_images: int
    image_problems: Mapping[str, ImageProblemCount]
    categories: int
    category_paths: int
    columns: Mapping[str, tuple[str, ...]]
    renamed: Mapping[str, str]
    rejects: Mapping[RejectReason, int]
    examples: Mapping[RejectReason, tuple[Reject, ...]]
    no_titles: Mapping[str, int]
    placeholders: tuple[Placeholder, ...]
    identifiers: Mapping[str, IdentifierCounts]
    export: str
    export_rows: str
    continued: int
    sample: tuple[ListingExample, ...]


def check_catalog(config: CatalogConfig) -> CatalogCheck:
    """Reads a catalog to its end, images included, batch by batch; memory grows with its ids and identifiers.

    Raises:
        CatalogError: as `open_catalog` and `Catalog.batches`.
    """
    catalog = open_catalog(config)
    placeholders = find_placeholders(catalog)
    tally = _Tally(identifiers={name: [] for name in catalog.carried.names if _is_identifier(name)})
    for batch in catalog.batches(placeholders=[each.digest for each in placeholders]):
        tally.add(batch)
    identifiers = {
        name: read_column(cells, name.casefold() in TRADE_COLUMNS, MOST_SHARED)[1]
        for name, cells in tally.identifiers.items()
    }
    return CatalogCheck(
        formats=dict(Counter(map(describe, catalog.tables))),
        left_out=catalog.left_out,
        rows=tally.counts["rows"],
        listings=tally.counts["listings"],
        without_title=tally.counts["without_title"],
        without_image=tally.counts["without_image"],
        placeholder_images=tally.counts["placeholder_images"],
        image_problems=tally.image_problems.counts(),
        categories=len(tally.categories - {""}),
        category_paths=sum(PATH in category for category in tally.categories),
        columns=_present_columns(catalog),
        renamed=_renamed_columns(catalog),
        rejects=dict(tally.rejects),
        examples=tally.examples,
        no_titles=dict(tally.no_titles.most_common()),
        placeholders=placeholders,
        identifiers=identifiers,
        export=catalog.export.name if catalog.export else "",
        export_rows=catalog.export.rows if catalog.export else "",
        continued=tally.counts["continued"],
        sample=tuple(tally.sample[place] for place in sorted(tally.sample)),
    )


def _present_columns(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    present = {name for table in catalog.tables for name in table.schema.names}
    of_role = {role: tuple(filter(present.__contains__, names)) for role, names in catalog.columns.items()}
    return {role: names for role, names in of_role.items() if names}


def _renamed_columns(catalog: Catalog) -> dict[str, str]:
    twice = {name: written for table in catalog.tables for name, written in renamed(table.schema).items()}
    names = {name: catalog_name(name) for name in catalog.carried.names}
    stored = {name: twice.get(of_file, of_file) for name, of_file in names.items()}
    return {name: written for name, written in stored.items() if name != written}


@dataclass(slots=True)
class _Tally:
    """What was counted of the batches so far. identifiers: column to the cells of all listings."""

    identifiers: dict[str, list[str]]
    counts: Counter[str] = field(default_factory=Counter)
    image_problems: ImageProblemTally = field(default_factory=ImageProblemTally)
    categories: set[str] = field(default_factory=set)
    rejects: Counter[RejectReason] = field(default_factory=Counter)
    examples: dict[RejectReason, tuple[Reject, ...]] = field(default_factory=dict)
    no_titles: Counter[str] = field(default_factory=Counter)
    sample: dict[int, ListingExample] = field(default_factory=dict)

    def add(self, batch: RowBatch[Listing]) -> None:
        self.counts["rows"] += batch.rows
        self.counts["continued"] += batch.continued
        self.no_titles.update(batch.no_titles)
        self.image_problems.add(batch.items)
        self.counts["listings"] += len(batch.items)
        self.counts["without_title"] += sum(not listing.title for listing in batch.items)
        self.counts["without_image"] += sum(listing.image is None for listing in batch.items)
        self.counts["placeholder_images"] += sum(listing.placeholder for listing in batch.items)
        self.categories.update(listing.category for listing in batch.items)
        self._draw(batch)
        for reject in batch.rejects:
            self.rejects[reject.reason] += 1
            if self.rejects[reject.reason] <= _EXAMPLES:
                self.examples[reject.reason] = (*self.examples.get(reject.reason, ()), reject)
        for name, cells in self.identifiers.items():
            cells.extend(read_texts(batch.carried, name))

    def _draw(self, batch: RowBatch[Listing]) -> None:
        """Keeps the `SAMPLE` listings of the least checksums of ids: random, and the same in any order."""
        last = max(self.sample, default=0)
        for row, listing in enumerate(batch.items):
            place = zlib.crc32(listing.id.encode())
            if len(self.sample) == SAMPLE:
                if place >= last:
                    continue
                del self.sample[last]
            carried = batch.carried.slice(row, 1).to_pylist()[0]
            self.sample[place] = ListingExample.of(listing, carried)
            last = max(self.sample)


def _jpeg(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE), reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _is_identifier(column: str) -> bool:
    return column.casefold() in (*TRADE_COLUMNS, *MODEL_COLUMNS)
