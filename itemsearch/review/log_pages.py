"""Renders the pages of the log: who did what to which listings, one's own steps, and conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import BaseModel

from itemsearch.decisions.events import Action, Event, EventFilter
from itemsearch.errors import StaleDecisionError
from itemsearch.review.cards import ListingCard
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.group_filter import ME
from itemsearch.review.pages import Pages
from itemsearch.review.visit import Visit, address

PAGE_EVENTS = 50
STEPS = 20
"""So many steps of a person can be taken back one after another."""
PICTURES = 8
"""So many listings of an event are shown."""


class LogFilter(BaseModel, frozen=True):
    """The query of the page of decisions. by: "" for all, "=" and a name, or `ME`. kind: an action, "" for
    all. page: from 1."""

    by: str = ""
    kind: Action | None = None
    page: int = 1

    def events(self, who: str) -> EventFilter:
        """The events that the person `who` asks for."""
        return EventFilter(None if not self.by else who if self.by == ME else self.by[1:], self.kind)

    def address(self, page: int) -> str:
        """The address of a page of the same filter."""
        return address("/decisions", by=self.by, kind=self.kind or "", page=str(page))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A decision that was refused, and how to make it again. path: of its form. field: name and value of its
    button. back: the page that it came from."""

    request: DecisionRequest
    path: str
    field: tuple[str, str]
    back: str

    @property
    def back_with_ticks(self) -> str:
        """The page that it came from, with the listings ticked that were."""
        path, mark, place = self.back.partition("#")
        if not path.startswith("/group?"):
            return self.back
        ticks = "".join(f"&{urlencode({'ticked': id})}" for id in self.request.ticked)
        return f"{path}{ticks}{mark}{place}"


class LogPages:
    """The pages of the log of a session."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.session = pages.session

    def decisions(self, log_filter: LogFilter, visit: Visit) -> str:
        """A page of events, the latest first."""
        wanted = log_filter.events(visit.who)
        count = self.session.decisions.count(wanted)
        pages = max(1, -(-count // PAGE_EVENTS))
        page = min(max(log_filter.page, 1), pages)
        events = self.session.decisions.events(PAGE_EVENTS, (page - 1) * PAGE_EVENTS, wanted)
        return self.pages.render(
            "decisions.html",
            log_filter.address(page),
            visit,
            events=events,
            shown=self._shown(events),
            log_filter=log_filter,
            count=count,
            page=page,
            pages=pages,
            people=self.session.decisions.people(),
        )

    def steps(self, visit: Visit) -> str:
        """The last steps of a person that stand."""
        events = self.session.decisions.events(STEPS, wanted=EventFilter(who=visit.who, standing=True))
        return self.pages.render("steps.html", "/steps", visit, events=events, shown=self._shown(events))

    def conflict(self, error: StaleDecisionError, attempt: Attempt, visit: Visit) -> str:
        """What others did meanwhile, what the person wanted, and the two ways on."""
        request = attempt.request
        events = self.session.decisions.changes(request.shown, request.seen)
        ids = [*request.part, *request.shown]
        cards = {card.id: card for card in self.session.listings(list(dict.fromkeys(ids)))}
        return self.pages.render(
            "conflict.html",
            attempt.back,
            visit,
            words=_what_happened(events, visit.who) or str(error),
            attempt=attempt,
            events=events,
            shown=self._shown(events),
            own=[cards[id] for id in request.part if id in cards],
            possible=all(id in cards for id in request.part),
        )

    def _shown(self, events: Sequence[Event]) -> Mapping[int, list[ListingCard]]:
        """Event number to its first listings that the index still has."""
        ids = {id for event in events for id in event.listings[:PICTURES]}
        cards = {card.id: card for card in self.session.listings(sorted(ids))}
        return {
            event.number: [cards[id] for id in event.listings[:PICTURES] if id in cards] for event in events
        }


def _what_happened(events: Sequence[Event], who: str) -> str:
    """A sentence on decisions that came between; "" for none."""
    others = sorted({event.who for event in events} - {who or None})
    if not events:
        return ""
    if not others:
        return "you decided here already, on another page"
    names = " and ".join(name or "somebody else" for name in others)
    return f"{names} decided here after this page was made"
