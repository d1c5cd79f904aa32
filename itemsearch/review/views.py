"""The pages of the review application, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from itemsearch.errors import UnknownIdError
from itemsearch.review.board import Verdicts
from itemsearch.review.desk import Desk
from itemsearch.review.findings import Group, ListingCard
from itemsearch.review.render import RULE, environment, facets_of, options
from itemsearch.search.results import Hit

PAGE_CARDS = 30
STATES = {"left": "left to decide", "decided": "decided", "any": "any"}
DONE = {
    "confirm": "Confirmed: one product",
    "reject": "Rejected: not the same product",
    "split": "Split",
    "merge": "Merged: one product",
    "undo": "Taken back",
}


class GroupFilter(BaseModel, frozen=True):
    """What the page of groups shows. A facet is "" for all, or "=" and the value. page counts from 1."""

    state: str = "left"
    tier: str = ""
    category: str = ""
    seller: str = ""
    page: int = 1

    def passes(self, group: Group, verdicts: Verdicts) -> bool:
        if self.state in ("left", "decided") and verdicts.decided(group) != (self.state == "decided"):
            return False
        facets = facets_of(group.listings, group.tier.value)
        wanted = {"tier": self.tier, "category": self.category, "seller": self.seller}
        return all(not value or value[1:] in facets[name] for name, value in wanted.items())

    def address(self, page: int) -> str:
        return f"/?{urlencode({**self.model_dump(), 'page': page})}"


class Views:
    """Renders pages of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        groups = desk.shown.groups if desk.shown else ()
        self.options = options(groups)
        self.templates = environment(picture_address)
        self.templates.globals.update(rule=RULE, states=STATES, done=DONE, address=address)

    def groups(self, wanted: GroupFilter, did: int) -> str:
        """A page of groups, the most valuable decisions first."""
        verdicts = self.desk.verdicts()
        held = [group for group in self.desk.groups.values() if wanted.passes(group, verdicts)]
        pages = max(1, -(-len(held) // PAGE_CARDS))
        page = min(max(wanted.page, 1), pages)
        cards = held[(page - 1) * PAGE_CARDS : page * PAGE_CARDS]
        shown = {"groups": cards, "found": len(held), "page": page, "pages": pages, "wanted": wanted}
        here = wanted.address(page)
        return self._page("groups.html", here, verdicts, did, options=self.options, **shown)

    def group(self, id: str, did: int) -> str:
        """A group, in the parts that decisions left of it.

        Raises:
            UnknownIdError: there is no such group.
        """
        here = address("/group", id=id)
        return self._page("group.html", here, self.desk.verdicts(), did, group=self._group(id))

    def merge(self, id: str, other: str) -> str:
        """What two groups would be as one.

        Raises:
            UnknownIdError: there is no such group, or it is the same one.
        """
        first, second = self._group(id), self._group(other.strip())
        if first is second:
            raise UnknownIdError(f"{id!r} is this group itself: give the id of another one")
        return self._page("merge.html", "/merge", self.desk.verdicts(), 0, first=first, second=second)

    def pairs(self, kind: str, did: int) -> str:
        """The weakest accepted pairs, or the variants."""
        shown = self.desk.shown
        variants = kind == "variants"
        pairs = () if shown is None else shown.variants if variants else shown.weakest
        here = f"/pairs?kind={'variants' if variants else 'weakest'}"
        return self._page("pairs.html", here, self.desk.verdicts(), did, pairs=pairs, variants=variants)

    def search(self, hits: Sequence[Hit] | None, id: str, words: str, picture: str = "") -> str:
        """The three ways to ask, and what was found; `hits` is None where nothing was asked."""
        found = self.desk.listings([hit.id for hit in hits or ()])
        results = list(zip(hits or (), found, strict=True))
        asked = next(iter(self.desk.listings([id.strip()])), None)
        shown = {"results": results, "searched": hits is not None, "asked": asked}
        query = {"id": id, "words": words, "picture_name": picture}
        return self._page("search.html", "/search", self.desk.verdicts(), 0, **query, **shown)

    def decisions(self, limit: int, did: int) -> str:
        """The latest decisions, each with a way to take it back."""
        events = self.desk.decisions.events(limit)
        return self._page("decisions.html", "/decisions", self.desk.verdicts(), did, events=events)

    def message(self, words: str, hint: str = "") -> str:
        """One line for the person."""
        return self.templates.get_template("message.html").render(
            words=words, hint=hint, desk=self.desk, here=""
        )

    def _group(self, id: str) -> Group:
        if id not in self.desk.groups:
            raise UnknownIdError(f"there is no group {id!r}")
        return self.desk.groups[id]

    def _page(self, name: str, here: str, verdicts: Verdicts, did: int, **shown: Any) -> str:
        """here: the page's own address, to come back to. did: the event that it tells of, 0 for none."""
        decided = sum(verdicts.decided(group) for group in self.desk.groups.values())
        event = self.desk.decisions.event(did) if did else None
        return self.templates.get_template(name).render(
            desk=self.desk, here=here, verdicts=verdicts, decided=decided, event=event, **shown
        )


def picture_address(listing: ListingCard) -> str:
    """The hash makes another index's picture another address, so that browsers may keep this one."""
    return f"/pictures/{listing.row}-{listing.content_hash or 0}.jpg"


def address(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"
