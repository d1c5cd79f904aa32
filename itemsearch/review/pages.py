"""Renders the pages of the review application as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from itemsearch.decisions.events import EventFilter
from itemsearch.decisions.sample import SAMPLE
from itemsearch.errors import UnknownIdError
from itemsearch.review.cards import GroupCard, ListingCard
from itemsearch.review.differences import Comparer
from itemsearch.review.group_filter import ME, NOBODY, STATES, GroupFacts, GroupFilter, facts_of
from itemsearch.review.order import Offer, Order, draw, in_order, mix
from itemsearch.review.pictures import SIDES
from itemsearch.review.report import share_text
from itemsearch.review.session import ReviewSession
from itemsearch.review.templating import RULES, environment, options
from itemsearch.review.visit import SearchQuery, Visit, address
from itemsearch.search.results import Hit

PAGE_CARDS = 30
PRINTED = 100
"""So many groups are printed unless all are asked for; `print.js` has the same number."""
PREVIEW = 12
"""So many groups are shown before many are accepted at once."""
DONE = {
    "confirm": "Confirmed: one product",
    "accept": "Accepted: each group is one product",
    "reject": "Rejected: not the same product",
    "split": "Split",
    "merge": "Merged: one product",
    "keep": "To be kept:",
    "assign": "Assigned to",
    "note": "Note:",
    "undo": "Taken back",
}


@dataclass(frozen=True, slots=True)
class GroupsOnPage:
    """The groups of page `page` of `pages`, of `count` groups that pass the filter."""

    offers: Sequence[Offer]
    count: int
    page: int
    pages: int


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
            larger=self._larger_picture,
            SIDES=SIDES,
            ME=ME,
            NOBODY=NOBODY,
        )

    @cached_property
    def facts(self) -> Mapping[str, GroupFacts]:
        """Group id to what filters compare and no card shows."""
        return facts_of(list(self.session.groups.values()), self.session.engine.listings)

    def found(self, group_filter: GroupFilter, who: str) -> list[GroupCard]:
        """The groups that pass a filter of a person, in its order."""
        labels = self.session.labels()
        ordered = self.ordered[group_filter.order]
        return [group for group in ordered if group_filter.passes(group, labels, self.facts[group.id], who)]

    def page_of_groups(self, group_filter: GroupFilter, who: str) -> GroupsOnPage:
        """The groups that a page shows."""
        groups = self.found(group_filter, who)
        offers: Iterator[Offer] = map(Offer, groups)
        if group_filter.draws:
            passing = {group.id for group in groups}
            offers = mix(groups, [group for group in self.drawn if group.id in passing])
        pages = max(1, -(-len(groups) // PAGE_CARDS))
        page = min(max(group_filter.page, 1), pages)
        shown = list(islice(offers, (page - 1) * PAGE_CARDS, page * PAGE_CARDS))
        return GroupsOnPage(shown, len(groups), page, pages)

    def to_print(self, group_filter: GroupFilter, everything: bool, visit: Visit) -> str:
        """The groups that pass a filter, without buttons: the first `PRINTED`, or everything."""
        groups = self.found(group_filter, visit.who)
        shown = groups if everything else groups[:PRINTED]
        here = group_filter.address(1, "/print")
        values = {"groups": shown, "count": len(groups), "group_filter": group_filter}
        return self.render("print.html", here, visit, **values)

    def groups(self, group_filter: GroupFilter, visit: Visit) -> str:
        """A page of groups."""
        session, shown = self.session, self.page_of_groups(group_filter, visit.who)
        return self.render(
            "groups.html",
            group_filter.address(shown.page),
            visit,
            shown=shown,
            group_filter=group_filter,
            options=self.options,
            flags=[(flag, flag) for flag in sorted({group.flag for group in session.groups.values()} - {""})],
            people=self.people(visit.who),
            has_prices=any(facts.prices for facts in self.facts.values()),
        )

    def people(self, who: str) -> list[str]:
        """The names of all who did something or to whom something is assigned, and the person's own."""
        assigned = self.session.labels().remarks.people()
        return sorted({*self.session.decisions.people(), *assigned, who} - {""})

    def acceptable(self, group_filter: GroupFilter, who: str, page_alone: bool = False) -> list[GroupCard]:
        """The groups left to decide that pass a filter and can be accepted as they are: none of them is
        larger than a group may be without a flag. page_alone: of one page only."""
        labels = self.session.labels()
        left = group_filter.model_copy(update={"state": "left"})
        groups = self.found(left, who)
        if page_alone:
            groups = [offer.group for offer in self.page_of_groups(left, who).offers]
        largest = self.session.settings.max_size
        return [group for group in groups if len(group.members) <= largest and labels.accepts(group)]

    def accept(self, group_filter: GroupFilter, visit: Visit, page_alone: bool = False) -> str:
        """What would be accepted: how many groups, and the first of them."""
        seen = self.session.labels().seen  # before the groups are looked for: what comes later is a conflict
        groups = self.acceptable(group_filter, visit.who, page_alone)
        values = {
            "seen": seen,
            "count": len(groups),
            "listings": sum(len(group.members) for group in groups),
            "doubtful": sorted(groups, key=lambda group: group.probability)[
                : PREVIEW if not page_alone else None
            ],
            "chosen": [group.id for group in groups] if page_alone else [],
            "group_filter": group_filter,
        }
        here = group_filter.address(group_filter.page, "/accept") + ("&only=page" if page_alone else "")
        return self.render("accept.html", here, visit, **values)

    def sample(self, group_filter: GroupFilter, visit: Visit) -> str:
        """The first group of a tier's sample that nobody decided, and what was found so far."""
        labels, tier = self.session.labels(), group_filter.sample
        groups = draw(self.session.drawable(tier))
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
        return self.render("sample.html", here, visit, **values)

    def group(self, id: str, drawn: bool, visit: Visit, ticked: Sequence[str] = ()) -> str:
        """A group, in the parts that decisions leave of it. drawn: whether it was drawn at random. ticked:
        listings that are ticked already.

        Raises:
            UnknownIdError: an unknown group.
        """
        here = address("/group", id=id, **({"drawn": "1"} if drawn else {}))
        group = self._group(id)
        return self.render("group.html", here, visit, group=group, drawn=drawn, ticked=ticked)

    def merge(self, id: str, other: str, visit: Visit) -> str:
        """Two groups side by side, to merge.

        Raises:
            UnknownIdError: an unknown group, or one group twice.
        """
        first, second = self._group(id), self._group(other.strip())
        if first is second:
            raise UnknownIdError(f"{id!r} is this group itself: give the id of another one")
        here = address("/merge", group=id, other=other)
        return self.render("merge.html", here, visit, first=first, second=second)

    def pairs(self, kind: str, visit: Visit) -> str:
        """The weakest duplicate pairs, or the variants."""
        cards = self.session.cards
        variants = kind == "variants"
        pairs = () if cards is None else cards.variants if variants else cards.weakest
        here = f"/pairs?kind={'variants' if variants else 'weakest'}"
        return self.render("pairs.html", here, visit, pairs=pairs, variants=variants)

    def search(self, hits: Sequence[Hit] | None, query: SearchQuery, visit: Visit) -> str:
        """The search forms, and the results of a search; `hits` is None where there was no search."""
        listings = self.session.listings([hit.id for hit in hits or ()])
        results = list(zip(hits or (), listings, strict=True))
        query_listing = next(iter(self.session.listings([query.id])), None)
        values = {"results": results, "searched": hits is not None, "query_listing": query_listing}
        given = {"picture": query.key} if query.key else {"id": query.id, "words": query.words}
        here = address("/search", **given)
        return self.render("search.html", here, visit, query=query, **values)

    def message(self, words: str, back: str = "/") -> str:
        """A page of one line, such as an error. back: the address of the page before."""
        template = self.templates.get_template("message.html")
        return template.render(words=words, back=back, session=self.session, here="")

    def _larger_picture(self, listing: ListingCard, side: int) -> str:
        """The address of a listing's picture of at most `side` pixels a side; "" where only the small one is
        known."""
        if not self.session.pictures.has(listing.row):
            return ""
        addresses = self.session.pictures.addresses
        own = f"/pictures/{side}/{listing.row}-{listing.content_hash or 0}.jpg"
        return addresses.of_row(listing.row) if addresses else own

    def _group(self, id: str) -> GroupCard:
        if id not in self.session.groups:
            raise UnknownIdError(f"there is no group {id!r}")
        return self.session.groups[id]

    def render(self, template: str, here: str, visit: Visit, **values: Any) -> str:
        """Renders a template. here: the page's own address, to which forms return."""
        session, labels = self.session, self.session.labels()
        steps = session.decisions.events(1, wanted=EventFilter(who=visit.who, standing=True))
        return self.templates.get_template(template).render(
            session=session,
            here=here,
            labels=labels,
            decided=len(labels.decided_groups),
            event=session.decisions.event(visit.did) if visit.did else None,
            step=steps[0] if steps else None,
            newer=session.watch.newer(),
            stamp=session.watch.opened,
            visit=visit,
            **values,
        )


def picture_address(listing: ListingCard) -> str:
    """The address of a picture. It has the content hash, so that browsers may cache the picture for ever."""
    return f"/pictures/{listing.row}-{listing.content_hash or 0}.jpg"
