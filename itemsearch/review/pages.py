"""Renders the pages of the review application as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from itemsearch.decisions.sample import SAMPLE
from itemsearch.errors import UnknownIdError
from itemsearch.review.cards import GroupCard, ListingCard
from itemsearch.review.differences import Comparer
from itemsearch.review.order import Offer, Order, draw, in_order, mix
from itemsearch.review.report import share_text
from itemsearch.review.session import ReviewSession
from itemsearch.review.standing import StandingLabels
from itemsearch.review.templating import RULES, environment, options
from itemsearch.review.visit import STATES, GroupFilter, SearchQuery, Visit, address
from itemsearch.search.results import Hit

PAGE_CARDS = 30
PREVIEW = 12
"""So many groups are shown before many are accepted at once."""
DONE = {
    "confirm": "Confirmed: one product",
    "accept": "Accepted: each group is one product",
    "reject": "Rejected: not the same product",
    "split": "Split",
    "merge": "Merged: one product",
    "keep": "To be kept:",
    "undo": "Taken back",
}


class Pages:
    """The pages of a session. user: whose decisions all are; "" where each person gives a name. link: of the
    pages of listings, as in `page_of`; "" for none."""

    def __init__(self, session: ReviewSession, user: str = "", link: str = "") -> None:
        self.session = session
        groups = session.cards.groups if session.cards else ()
        self.options = options(groups)
        self.ordered = {order: in_order(groups, order) for order in Order}
        self.drawn = draw(groups)
        self.templates = environment(picture_address, Comparer.of(session.engine.listings), link)
        self.templates.globals.update(
            rules=RULES,
            states=STATES,
            done=DONE,
            address=address,
            share_text=share_text,
            SAMPLE=SAMPLE,
            named=bool(user),
        )

    def groups(self, group_filter: GroupFilter, visit: Visit) -> str:
        """A page of groups."""
        labels = self.session.labels()
        groups = [group for group in self.ordered[group_filter.order] if group_filter.passes(group, labels)]
        offers = [Offer(group) for group in groups]
        if group_filter.draws:
            passing = {group.id for group in groups}
            offers = mix(groups, [group for group in self.drawn if group.id in passing])
        pages = max(1, -(-len(groups) // PAGE_CARDS))
        page = min(max(group_filter.page, 1), pages)
        values = {
            "offers": offers[(page - 1) * PAGE_CARDS : page * PAGE_CARDS],
            "count": len(groups),
            "page": page,
            "pages": pages,
            "group_filter": group_filter,
        }
        here = group_filter.address(page)
        return self._page("groups.html", here, labels, visit, options=self.options, **values)

    def acceptable(self, group_filter: GroupFilter) -> list[GroupCard]:
        """The groups left to decide that pass a filter and can be accepted as they are: none of them is
        larger than a group may be without a flag."""
        labels = self.session.labels()
        left = group_filter.model_copy(update={"state": "left"})
        return [
            group
            for group in self.ordered[group_filter.order]
            if len(group.members) <= self.session.settings.max_size
            and left.passes(group, labels)
            and labels.accepts(group)
        ]

    def accept(self, group_filter: GroupFilter, visit: Visit) -> str:
        """What would be accepted: how many groups, and the first of them."""
        labels, groups = self.session.labels(), self.acceptable(group_filter)
        values = {
            "count": len(groups),
            "listings": sum(len(group.members) for group in groups),
            "doubtful": sorted(groups, key=lambda group: group.probability)[:PREVIEW],
            "group_filter": group_filter,
        }
        here = group_filter.address(1, "/accept")
        return self._page("accept.html", here, labels, visit, **values)

    def sample(self, group_filter: GroupFilter, visit: Visit) -> str:
        """The first group of a tier's sample that nobody decided, and what was found so far."""
        labels, tier = self.session.labels(), group_filter.sample
        groups = [group for group in self.drawn if group.tier.value == tier]
        size = min(max(group_filter.size, 1), len(groups))
        left = [group for group in groups[:size] if labels.answer(group) is None]
        values = {
            "tier": tier,
            "group": left[0] if left else None,
            "number": size - len(left) + 1,
            "size": size,
            "more": min(size + SAMPLE, len(groups)),
            "found": self.session.checked().get(tier),
        }
        here = address("/", sample=tier, size=str(size))
        return self._page("sample.html", here, labels, visit, **values)

    def group(self, id: str, drawn: bool, visit: Visit) -> str:
        """A group, in the parts that decisions leave of it. drawn: whether it was drawn at random.

        Raises:
            UnknownIdError: an unknown group.
        """
        here = address("/group", id=id, **({"drawn": "1"} if drawn else {}))
        group = self._group(id)
        return self._page("group.html", here, self.session.labels(), visit, group=group, drawn=drawn)

    def merge(self, id: str, other: str, visit: Visit) -> str:
        """Two groups side by side, to merge.

        Raises:
            UnknownIdError: an unknown group, or one group twice.
        """
        first, second = self._group(id), self._group(other.strip())
        if first is second:
            raise UnknownIdError(f"{id!r} is this group itself: give the id of another one")
        here = address("/merge", group=id, other=other)
        return self._page("merge.html", here, self.session.labels(), visit, first=first, second=second)

    def pairs(self, kind: str, visit: Visit) -> str:
        """The weakest duplicate pairs, or the variants."""
        cards = self.session.cards
        variants = kind == "variants"
        pairs = () if cards is None else cards.variants if variants else cards.weakest
        here = f"/pairs?kind={'variants' if variants else 'weakest'}"
        return self._page("pairs.html", here, self.session.labels(), visit, pairs=pairs, variants=variants)

    def search(self, hits: Sequence[Hit] | None, query: SearchQuery, visit: Visit) -> str:
        """The search forms, and the results of a search; `hits` is None where there was no search."""
        listings = self.session.listings([hit.id for hit in hits or ()])
        results = list(zip(hits or (), listings, strict=True))
        query_listing = next(iter(self.session.listings([query.id])), None)
        values = {"results": results, "searched": hits is not None, "query_listing": query_listing}
        here = address("/search", id=query.id, words=query.words)
        return self._page("search.html", here, self.session.labels(), visit, query=query, **values)

    def decisions(self, limit: int, visit: Visit) -> str:
        """The latest decisions, each with a button to undo it."""
        events = self.session.decisions.events(limit)
        return self._page("decisions.html", "/decisions", self.session.labels(), visit, events=events)

    def message(self, words: str, hint: str = "") -> str:
        """A page of one line, such as an error."""
        return self.templates.get_template("message.html").render(
            words=words, hint=hint, session=self.session, here=""
        )

    def _group(self, id: str) -> GroupCard:
        if id not in self.session.groups:
            raise UnknownIdError(f"there is no group {id!r}")
        return self.session.groups[id]

    def _page(self, name: str, here: str, labels: StandingLabels, visit: Visit, **values: Any) -> str:
        """Renders a template. here: the page's own address, to which forms return."""
        decided = sum(labels.decided(group) for group in self.session.groups.values())
        event = self.session.decisions.event(visit.did) if visit.did else None
        return self.templates.get_template(name).render(
            session=self.session,
            here=here,
            labels=labels,
            decided=decided,
            event=event,
            visit=visit,
            **values,
        )


def picture_address(listing: ListingCard) -> str:
    """The address of a picture. It has the content hash, so that browsers may cache the picture for ever."""
    return f"/pictures/{listing.row}-{listing.content_hash or 0}.jpg"
