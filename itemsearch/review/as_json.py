"""Decisions and groups as plain JSON, for programs that build on them. docs/engineer.md has the schema.

Everything here is of `VERSION`: fields may be added to it, and a program should pass over those that it does
not know; one that is taken away, or means something else, makes the next version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from itemsearch.decisions.events import Event
from itemsearch.review.cards import GroupCard, ListingCard
from itemsearch.review.session import ReviewSession
from itemsearch.review.standing import StandingLabels

VERSION = 1


def event_as_json(session: ReviewSession, event: Event) -> dict[str, Any]:
    """An event of the log, the listings that it is about, and what stands of them now."""
    pairs = session.decisions.pairs_of(event)
    return {
        "version": VERSION,
        "id": event_id(event),
        "event": event.number,
        "at": event.at,
        "who": event.who,
        "action": event.action.value,
        "undoes": event.undoes or None,
        "group": event.group_id,
        "keeper": event.keeper,
        "text": event.text,
        "listings": [_listing(each) for each in session.listings(event.listings)],
        "stands": standing_as_json(session, session.labels(), event.listings, pairs),
    }


def event_id(event: Event) -> str:
    """The same for an event whenever it is sent, and another one for every other event of any log."""
    about = f"{event.number} {event.at} {event.action} {event.who} {event.listings}"
    return f"evt_{sha256(about.encode()).hexdigest()[:32]}"


def group_as_json(session: ReviewSession, labels: StandingLabels, group: GroupCard) -> dict[str, Any]:
    """A group of the run, and what people decided on its listings."""
    ids = [listing.id for listing in group.listings]
    keeper = session.keeper(labels, ids)
    touched = any(id in labels.people.first or id in labels.people.apart for id in ids)
    pairs = [(a, b) for place, a in enumerate(ids) for b in ids[place + 1 :]] if touched else []
    return {
        "version": VERSION,
        "group": group.id,
        "tier": group.tier.value,
        "flag": group.flag,
        "probability": round(group.probability, 6),
        "decided": labels.decided(group),
        "keeper": keeper,
        "listings": [
            {**_listing(member.listing), "probability": round(member.probability, 6)}
            for member in group.members
        ],
        "stands": standing_as_json(session, labels, ids, pairs),
    }


def standing_as_json(
    session: ReviewSession,
    labels: StandingLabels,
    ids: Sequence[str],
    pairs: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    """What people decided, taken together: the products that have one of `ids`, each with the listing to
    keep, and those of `pairs` that are different products."""
    people = labels.people
    firsts = sorted({people.first[id] for id in ids if id in people.first})
    products = [list(people.products[first]) for first in firsts]
    return {
        "products": [{"keeper": session.keeper(labels, own), "listings": own} for own in products],
        "different": [[a, b] for a, b in pairs if labels.of_pair(a, b) is False],
    }


def _listing(card: ListingCard) -> dict[str, str]:
    return {"id": card.id, "title": card.title, "category": card.category, "seller": card.seller}
