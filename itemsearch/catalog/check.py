"""What a catalog holds and what of it would be refused, without embedding anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.read import read_catalog
from itemsearch.types import Reject, RejectReason

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """Counts over a whole catalog: `rows` = `products` + the sum of `rejects`.

    `without_title`, `without_image` and `categories` (different ones, none not counted) are of products.
    `examples` holds the first rejects of each reason that occurs.
    """

    rows: int
    listings: int
    without_title: int
    without_image: int
    categories: int
    rejects: Mapping[RejectReason, int]
    examples: Mapping[RejectReason, tuple[Reject, ...]]


def check_catalog(config: CatalogConfig) -> CatalogCheck:
    """Reads a catalog to its end, pictures included, as a stream.

    Raises:
        CatalogError: as `read_catalog`.
    """
    counts: Counter[str] = Counter()
    rejects: Counter[RejectReason] = Counter()
    examples: dict[RejectReason, tuple[Reject, ...]] = {}
    categories: set[str] = set()
    for batch in read_catalog(config):
        counts["rows"] += batch.rows
        for product in batch.listings:
            counts["listings"] += 1
            counts["without_title"] += not product.title
            counts["without_image"] += product.image is None
            categories.add(product.category)
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
