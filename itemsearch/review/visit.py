"""What the address of a page says: which groups, which search, what was just done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from pydantic import BaseModel

from itemsearch.decisions.sample import SAMPLE
from itemsearch.review.cards import GroupCard
from itemsearch.review.order import Order
from itemsearch.review.standing import StandingLabels
from itemsearch.review.templating import facets_of

STATES = {"left": "left to decide", "decided": "decided", "any": "any"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request tells beside its page. did: the number of the event that the page reports as done, 0 for
    none. who: the person's name, "" where it is not known."""

    did: int = 0
    who: str = ""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a person searched for; "" for what was not given. picture: the name of its file."""

    id: str = ""
    words: str = ""
    picture: str = ""


class GroupFilter(BaseModel, frozen=True):
    """The query of the page of groups. A facet is "" for all, or "=" and the value. page: from 1. sample: the
    tier whose sample of `size` groups is shown one after another instead, "" for none."""

    state: str = "left"
    order: Order = Order.TEACHES
    tier: str = ""
    category: str = ""
    seller: str = ""
    page: int = 1
    sample: Literal["", "automatic", "review"] = ""
    size: int = SAMPLE

    def passes(self, group: GroupCard, labels: StandingLabels) -> bool:
        """Whether a group is on the page."""
        if self.state in ("left", "decided") and labels.decided(group) != (self.state == "decided"):
            return False
        facets = facets_of(group.listings, group.tier.value)
        chosen = {"tier": self.tier, "category": self.category, "seller": self.seller}
        return all(not value or value[1:] in facets[name] for name, value in chosen.items())

    @property
    def draws(self) -> bool:
        """Whether groups that are drawn at random are among those offered: not where the filter takes part of
        a tier, of which they would be no sample."""
        whole = not (self.category or self.seller)
        return self.order is Order.TEACHES and self.state == "left" and whole

    def address(self, page: int, path: str = "/") -> str:
        """The address of a page of the same filter."""
        shown = self.model_dump(mode="json", exclude={"sample", "size"})
        return f"{path}?{urlencode({**shown, 'page': page})}"


def address(path: str, **query: str) -> str:
    """A path with a query string."""
    return f"{path}?{urlencode(query)}"
