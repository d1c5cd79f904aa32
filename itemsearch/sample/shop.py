"""Plan of a sample catalog's listings: which seller lists which product, and what each listing lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from itemsearch.sample.names import SELLERS

MAIN_SELLER = SELLERS[0]
_OWN_SHARE = 0.05
"""Share of the products that another seller lists and the main shop does not."""
_RELISTED_SHARE = 0.15
"""Share of the products with a second listing."""
_RELISTED_TWICE_SHARE = 1 / 3
"""Share of those with a third one too."""
_SAME_SELLER_SHARE = 0.1
"""Share of the second and third listings that are by the seller of the first."""
_MISSING_SHARE = 0.01
"""Listings without image, without title, with the placeholder picture: each this share of the products."""
_NO_GTIN, _WRONG_GTIN = (0.08, 0.25), (0.01, 0.05)
"""Shares of the listings without GTIN, and with one that stands for none: first listings, and later ones."""
_PLACEHOLDER_GTINS = ("0000000000000", "Does not apply", "N/A")
_GTIN_PREFIX = "952"
"""The prefix that GS1 keeps for examples."""


@dataclass(frozen=True, slots=True)
class PlannedListing:
    """A listing before it is drawn.

    group: number of the product. copy: 0 for its first listing, 1 and 2 for the others. missing: "image",
    "title", "placeholder" for the shop's placeholder picture, or "".
    """

    id: str
    group: int
    copy: int
    missing: str
    seller: str
    gtin: str


def plan_listings(products: int, rng: np.random.Generator) -> list[PlannedListing]:
    """The listings in the catalog's order, shuffled so that neither order nor id reveals a group.

    Of four products in the order [2, 0, 3, 1], with two relisted, one of them twice, and one listing without
    image: (group, copy) is (2, 0), (0, 0), (3, 0), (1, 0), (2, 1), (0, 1), (2, 2) before shuffling, and
    product 3 has no image.
    """
    order = rng.permutation(products).tolist()
    relisted = round(products * _RELISTED_SHARE)
    relisted_twice = round(relisted * _RELISTED_TWICE_SHARE)
    missing = round(products * _MISSING_SHARE)
    copies = [(group, 0) for group in order]
    copies += [(group, 1) for group in order[:relisted]]
    copies += [(group, 2) for group in order[:relisted_twice]]
    missing_of: dict[int, str] = {}
    for place, what in enumerate(("image", "title", "placeholder")):
        start = relisted + place * missing
        missing_of |= dict.fromkeys(order[start : start + missing], what)
    sellers = [_sellers(rng) for _ in range(products)]
    gtins = _gtins(products, rng)
    shuffled = [copies[place] for place in rng.permutation(len(copies))]
    return [
        PlannedListing(
            id=f"{row:06d}",
            group=group,
            copy=copy,
            missing=missing_of.get(group, ""),
            seller=sellers[group][copy],
            gtin=_listed_gtin(gtins[group], copy, rng),
        )
        for row, (group, copy) in enumerate(shuffled, 1)
    ]


def _sellers(rng: np.random.Generator) -> list[str]:
    """The sellers of a product's first, second and third listing: one lists it twice now and then."""
    others = [SELLERS[1 + place] for place in rng.permutation(len(SELLERS) - 1)[:3]]
    first = others.pop() if rng.random() < _OWN_SHARE else MAIN_SELLER
    return [first, *(first if rng.random() < _SAME_SELLER_SHARE else other for other in others[:2])]


def _gtins(count: int, rng: np.random.Generator) -> list[str]:
    """`count` different GTIN-13 with their check digits."""
    stems = [f"{_GTIN_PREFIX}{number:09d}" for number in rng.choice(10**9, count, replace=False).tolist()]
    return [f"{stem}{_check_digit(stem)}" for stem in stems]


def _check_digit(stem: str) -> int:
    """The last digit of a GTIN-13: from the left, digits weigh 1 and 3 in turn.

    The stem 400638133393 has the check digit 1.
    """
    return -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(stem)) % 10


def _listed_gtin(gtin: str, copy: int, rng: np.random.Generator) -> str:
    later, drawn = int(copy > 0), rng.random()
    if drawn < _NO_GTIN[later]:
        return ""
    if drawn < _NO_GTIN[later] + _WRONG_GTIN[later]:
        return _PLACEHOLDER_GTINS[int(rng.integers(len(_PLACEHOLDER_GTINS)))]
    return gtin
