"""Which groups the address of a page asks for, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, Field

from itemsearch.decisions.sample import SAMPLE
from itemsearch.review.cards import GroupCard
from itemsearch.review.order import Order
from itemsearch.review.standing import StandingLabels
from itemsearch.review.templating import facets_of
from itemsearch.search.text_readings import as_numbers

STATES = {"left": "left to decide", "decided": "decided", "any": "any"}
ME = "me"
"""In the place of a name: that of the person who asks, so that an address can be passed on."""
NOBODY = "="
"""A name that is empty: assigned to nobody."""
PRICE = "price"
"""The column of prices, in any case."""


def _bound(value: object) -> object:
    """A form sends "" for no bound, and people write a decimal comma."""
    return (value.strip().replace(",", ".") or None) if isinstance(value, str) else value


Bound = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(_bound)]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What filters compare of a group and no card shows. prices: of the listings that have one. titles: in
    lower case."""

    prices: tuple[float, ...]
    titles: tuple[str, ...]


class GroupFilter(BaseModel, frozen=True):
    """The query of the page of groups.

    tier, category, seller, flag, assigned, by: "" for all, or "=" and the value; `ME` for the name of the
    person who asks. assigned: to whom. by: who decided. text: words of one title, or an id of a listing or of
    the group. price_from, price_to: of one of the listings. probability_from, probability_to: of the group.
    page: from 1. sample: the tier whose sample of `size` groups is shown one after another instead, "" for
    none.
    """

    state: str = "left"
    order: Order = Order.TEACHES
    tier: str = ""
    category: str = ""
    seller: str = ""
    flag: str = ""
    assigned: str = ""
    by: str = ""
    text: str = ""
    price_from: Bound = None
    price_to: Bound = None
    probability_from: Bound = None
    probability_to: Bound = None
    page: int = 1
    sample: Literal["", "automatic", "review"] = ""
    size: int = SAMPLE

    def passes(self, group: GroupCard, labels: StandingLabels, facts: GroupFacts, who: str) -> bool:
        """Whether a group is on the page that the person `who` asks for."""
        if self.state in ("left", "decided") and labels.decided(group) != (self.state == "decided"):
            return False
        chosen = {"category": self.category, "seller": self.seller}
        if any(chosen.values()):
            facets = facets_of(group.listings)
            if not all(not value or value[1:] in facets[name] for name, value in chosen.items()):
                return False
        ids = [listing.id for listing in group.listings]
        return (
            (not self.tier or group.tier.value == self.tier[1:])
            and (not self.flag or group.flag == self.flag[1:])
            and _within(self.probability_from, self.probability_to, (group.probability,))
            and _within(self.price_from, self.price_to, facts.prices)
            and self._has_text(group, ids, facts)
            and (not self.assigned or _named(self.assigned, {labels.remarks.assignee(ids)}, who))
            and (not self.by or _named(self.by, labels.deciders(group), who))
        )

    @property
    def narrows(self) -> bool:
        """Whether it takes part of a tier."""
        return bool(self.chosen)

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """What narrows it, by name and in words."""
        words = {ME: "me", NOBODY: "(none)"}
        given = self.model_dump(exclude={"state", "order", "tier", "page", "sample", "size"})
        return [
            (name.replace("_", " "), words.get(str(value), str(value).removeprefix("=")))
            for name, value in given.items()
            if value not in ("", None)
        ]

    @property
    def hidden(self) -> bool:
        """Whether one of the filters is in use that pages fold away."""
        folded = ("assigned", "by", "flag", "price_from", "price_to", "probability_from", "probability_to")
        return any(getattr(self, name) not in ("", None) for name in folded)

    @property
    def draws(self) -> bool:
        """Whether groups that are drawn at random are among those offered: not where the filter takes part of
        a tier, of which they would be no sample."""
        return self.order is Order.TEACHES and self.state == "left" and not self.narrows

    def address(self, page: int, path: str = "/") -> str:
        """The address of a page of the same filter."""
        shown = self.model_dump(mode="json", exclude={"sample", "size"})
        given = {name: value for name, value in shown.items() if value not in ("", None)}
        return f"{path}?{urlencode({**given, 'page': page})}"

    def _has_text(self, group: GroupCard, ids: Sequence[str], facts: GroupFacts) -> bool:
        text = self.text.strip()
        if not text or text == group.id or text in ids:
            return True
        words = text.casefold().split()
        return any(all(word in title for word in words) for title in facts.titles)


def facts_of(groups: Sequence[GroupCard], listings: pa.Table) -> Mapping[str, GroupFacts]:
    """Group id to its facts. listings: of the index."""
    column = next((name for name in listings.column_names if name.casefold() == PRICE), "")
    rows = sorted({listing.row for group in groups for listing in group.listings})
    prices: dict[int, float] = {}
    if column:
        cells = as_numbers(listings[column].take(pa.array(rows, pa.int64()))).to_pylist()
        prices = {row: float(cell) for row, cell in zip(rows, cells, strict=True) if _is_number(cell)}
    return {
        group.id: GroupFacts(
            tuple(prices[listing.row] for listing in group.listings if listing.row in prices),
            tuple(listing.title.casefold() for listing in group.listings),
        )
        for group in groups
    }


def _is_number(cell: object) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _named(wanted: str, names: set[str], who: str) -> bool:
    if wanted == ME:
        return bool(who) and who in names
    return wanted[1:] in names


def _within(low: float | None, high: float | None, values: Sequence[float]) -> bool:
    if low is None and high is None:
        return True
    return any((low is None or value >= low) and (high is None or value <= high) for value in values)
