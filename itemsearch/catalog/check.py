"""Counts the listings and rejects of a catalog, without embedding anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.read import open_catalog
from itemsearch.types import Reject, RejectReason

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """Counts over a whole catalog: `rows` = `listings` + the sum of `rejects`.

    without_title, without_image: of the listings. categories: how many different ones, "" not counted.
    rejects: by reason. examples: the first rejects of each reason.
    """

    rows: int
    listings: int
    without_title: int
    without_image: int
    categories: int
    rejects: Mapping[RejectReason, int]
    examples: Mapping[RejectReason, tuple[Reject, ...]]


def check_catalog(config: CatalogConfig) -> CatalogCheck:
    """Reads a catalog to its end, images included, batch by batch.

    Raises:
        CatalogError: as `open_catalog` and `Catalog.batches`.
    """
    counts: Counter[str] = Counter()
    rejects: Counter[RejectReason] = Counter()
    examples: dict[RejectReason, tuple[Reject, ...]] = {}
    categories: set[str] = set()
    for batch in open_catalog(config).batches():
        counts["rows"] += batch.rows
        for listing in batch.items:
            counts["listings"] += 1
            counts["without_title"] += not listing.title
            counts["without_image"] += listing.image is None
            categories.add(listing.category)
        for reject in batch.rejects:
            rejects[reject.reason] += 1
            if rejects[reject.reason] <= _EXAMPLES:
                examples[reject.reason] = (*examples.get(reject.reason, ()), reject)
    return CatalogCheck(
        rows=counts["rows"],
        listings=counts["listings"],
        without_title=counts["without_title"],
        without_image=counts["without_image"],
        categories=len(categories - {""}),
        rejects=dict(rejects),
        examples=examples,
    )
