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
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.placeholders import Placeholder, find_placeholders
from itemsearch.catalog.read import open_catalog
from itemsearch.columns import read_texts
from itemsearch.types import Listing, Reject, RejectReason, RowBatch

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """Counts over a whole catalog: `rows` = `listings` + the sum of `rejects`.

    without_title, without_image: of the listings. placeholder_images: of those without image, how many have a
    placeholder. categories: how many different ones, "" not counted. rejects: by reason. examples: the first
    rejects of each reason. no_titles: of all rows, the titles that are no title, as they are written, and how
    many rows have each, the most frequent first. placeholders: the pictures that many listings with unlike
    titles share, rejected rows included. identifiers: of the listings, by column that is taken for one.
    """

    rows: int
    listings: int
    without_title: int
    without_image: int
    placeholder_images: int
    categories: int
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
        rows=tally.counts["rows"],
        listings=tally.counts["listings"],
        without_title=tally.counts["without_title"],
        without_image=tally.counts["without_image"],
        placeholder_images=tally.counts["placeholder_images"],
        categories=len(tally.categories - {""}),
        rejects=dict(tally.rejects),
        examples=tally.examples,
        no_titles=dict(tally.no_titles.most_common()),
        placeholders=placeholders,
        identifiers=identifiers,
    )


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
