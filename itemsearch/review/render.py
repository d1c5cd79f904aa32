"""The templates that the report and the application share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from itemsearch.duplicates.types import Tier
from itemsearch.review.findings import Group, ListingCard, Member
from itemsearch.review.wording import mark_differences

TIERS = {Tier.REVIEW.value: "to review", Tier.AUTOMATIC.value: "found automatically"}
RULE = (
    "The most valuable decisions come first: groups to review before those found automatically, among them "
    "those in which one decision settles most duplicates (their number times the group's score)."
)


def environment(picture: Callable[[ListingCard], str]) -> Environment:
    """Jinja with our macros; `picture` gives the address of a listing's picture."""
    held = Environment(loader=PackageLoader("itemsearch.review"), autoescape=True, undefined=StrictUndefined)
    held.globals.update(
        picture=picture,
        mark_differences=mark_differences,
        titles_beside=titles_beside,
        facets_of=facets_of,
        TIERS=TIERS,
    )
    return held


def asset(name: str) -> str:
    """The text of a style sheet or script beside the templates."""
    return files("itemsearch.review").joinpath("templates", name).read_text("utf-8")


def titles_beside(group: Group, member: Member) -> list[str]:
    """The titles that a member's is compared with, word by word: the keeper's; for the keeper all others'."""
    keeper = group.members[0]
    if member is not keeper:
        return [keeper.listing.title]
    return [other.listing.title for other in group.members[1:]]


def facets_of(listings: Iterable[ListingCard], tier: str = "") -> dict[str, list[str]]:
    """What filters ask of a card."""
    shown = tuple(listings)
    facets = {
        "category": sorted({listing.category for listing in shown}),
        "seller": sorted({listing.seller for listing in shown}),
    }
    return {**facets, "tier": [tier]} if tier else facets


def options(groups: Sequence[Group]) -> dict[str, list[tuple[str, str]]]:
    """The values that groups can be filtered by, and how they read; a filter of a single value is none."""
    found = {}
    for name in ("category", "seller"):
        values = sorted({value for group in groups for value in facets_of(group.listings)[name]})
        if len(values) > 1:
            found[name] = [(value, value or "(none)") for value in values]
    return found
