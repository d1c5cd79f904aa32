"""Counts the listings and rejects of a catalog, and what in it says nothing, without embedding anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from itemsearch.catalog.placeholders import Placeholder, find_placeholders
from itemsearch.catalog.read import Catalog, open_catalog
from itemsearch.columns import catalog_name, read_texts
from itemsearch.types import Listing, Reject, RejectReason, RowBatch

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """Counts over a whole catalog: `rows` = `listings` + the sum of `rejects`.

    without_title, without_image: of the listings. placeholder_images: of those without image, how many have a
    placeholder. categories: how many different ones, "" not counted; category_paths: how many of them are
    paths. columns: role to the columns that it is read from, those that no file has left out. renamed: the
    columns that go by another name, to the name that the file has: a second column of one name, or one of a
    name that the store uses itself. rejects: by reason. examples: the first
    rejects of each reason. no_titles: of all rows, the titles that are no title, as they are written, and how
    many rows have each, the most frequent first. placeholders: the pictures that many listings with unlike
    titles share, rejected rows included. identifiers: of the listings, by column that is taken for one.
    formats: what files were recognised as, "gzip: semicolons, Windows-1252", and how many. left_out: the
    files beside them that are no tables.
    """

    formats: Mapping[str, int]
    left_out: tuple[LeftOut, ...]
    rows: int
    listings: int
    without_title: int
    without_image: int
    placeholder_images: int
    categories: int
    category_paths: int
    columns: Mapping[str, tuple[str, ...]]
    renamed: Mapping[str, str]
    rejects: Mapping[RejectReason, int]
    examples: Mapping[RejectReason, tuple[Reject, ...]]
    no_titles: Mapping[str, int]
    placeholders: tuple[Placeholder, ...]
    identifiers: Mapping[str, IdentifierCounts]


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
        categories=len(tally.categories - {""}),
        category_paths=sum(PATH in category for category in tally.categories),
        columns=_present_columns(catalog),
        renamed=_renamed_columns(catalog),
        rejects=dict(tally.rejects),
        examples=tally.examples,
        no_titles=dict(tally.no_titles.most_common()),
        placeholders=placeholders,
        identifiers=identifiers,
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
    categories: set[str] = field(default_factory=set)
    rejects: Counter[RejectReason] = field(default_factory=Counter)
    examples: dict[RejectReason, tuple[Reject, ...]] = field(default_factory=dict)
    no_titles: Counter[str] = field(default_factory=Counter)

    def add(self, batch: RowBatch[Listing]) -> None:
        self.counts["rows"] += batch.rows
        self.no_titles.update(batch.no_titles)
        for listing in batch.items:
            self.counts["listings"] += 1
            self.counts["without_title"] += not listing.title
            self.counts["without_image"] += listing.image is None
            self.counts["placeholder_images"] += listing.placeholder
            self.categories.add(listing.category)
        for reject in batch.rejects:
            self.rejects[reject.reason] += 1
            if self.rejects[reject.reason] <= _EXAMPLES:
                self.examples[reject.reason] = (*self.examples.get(reject.reason, ()), reject)
        for name, cells in self.identifiers.items():
            cells.extend(read_texts(batch.carried, name))


def _is_identifier(column: str) -> bool:
    return column.casefold() in (*TRADE_COLUMNS, *MODEL_COLUMNS)
