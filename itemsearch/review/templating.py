"""Sets up the Jinja templates that the report and the web application share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from itemsearch.duplicates.types import Tier
from itemsearch.review.cards import GroupCard, GroupMember, ListingCard
from itemsearch.review.differences import Comparer
from itemsearch.review.links import page_of
from itemsearch.review.order import NAMES, Order
from itemsearch.review.wording import CLAMPED, isolated, late_differences, mark_differences

TIERS = {
    Tier.REVIEW.value: "to review",
    Tier.AUTOMATIC.value: "automatic",
    Tier.CONFIRMED.value: "confirmed",
}
CROWD = 12
"""So many listings a group shows in full; a larger one is a compact grid. A guess: what fits on a screen."""
RULES = {
    Order.TEACHES: "The answers that teach most come first: those that remove most doubt.",
    Order.WORTH: "Groups to review come before automatic ones, and among them those in which one decision "
    "settles most duplicates (their number times the group's probability).",
    Order.PROBABILITY: "The most probable groups come first.",
}


def environment(picture: Callable[[ListingCard], str], comparer: Comparer, link: str = "") -> Environment:
    """The templates, with the functions that they call.

    Args:
        picture: returns the address of a picture. link: of a listing's page, as in `page_of`; "" for none.
    """
    templates = Environment(
        loader=PackageLoader("itemsearch.review"), autoescape=True, undefined=StrictUndefined
    )
    templates.globals.update(
        picture=picture,
        compare=comparer.compare,
        page_of=partial(page_of, link),
        mark_differences=mark_differences,
        late_differences=late_differences,
        isolated=isolated,
        CLAMPED=CLAMPED,
        CROWD=CROWD,
        titles_beside=titles_beside,
        facets_of=facets_of,
        TIERS=TIERS,
        ORDERS={order.value: name for order, name in NAMES.items()},
    )
    return templates


def asset(name: str) -> str:
    """The text of a style sheet or script beside the templates."""
    return files("itemsearch.review").joinpath("templates", name).read_text("utf-8")


def titles_beside(members: Sequence[GroupMember], keeper: str, member: GroupMember) -> list[str]:
    """The titles that a member's title is compared with: the keeper's, or for the keeper all others."""
    if member.listing.id != keeper:
        return [next(other.listing.title for other in members if other.listing.id == keeper)]
    return [other.listing.title for other in members if other is not member]


def facets_of(listings: Iterable[ListingCard], tier: str = "") -> dict[str, list[str]]:
    """The values of a card that filters compare: category, seller and tier."""
    cards = tuple(listings)
    facets = {
        "category": sorted({listing.category for listing in cards}),
        "seller": sorted({listing.seller for listing in cards}),
    }
    return {**facets, "tier": [tier]} if tier else facets


def options(groups: Sequence[GroupCard]) -> dict[str, list[tuple[str, str]]]:
    """Facet to its (value, text) pairs, for filters of groups; a facet of a single value has no filter."""
    by_facet = {}
    for name in ("category", "seller"):
        values = sorted({value for group in groups for value in facets_of(group.listings)[name]})
        if len(values) > 1:
            by_facet[name] = [(value, value or "(none)") for value in values]
    return by_facet
