"""What people did, event by event, as the log of decisions tells it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from itemsearch.decisions.pair_labels import ACCEPTED

MOST_LISTINGS = 60
"""So many listings of an event are named in lists: accepting a tier is one event on thousands."""
UNDONE = "(select undoes from events where undoes is not null)"
"""The numbers of the events that were undone, in SQL."""


class Action(StrEnum):
    """What a person did. The file and its exports store the value."""

    CONFIRM = "confirm"
    ACCEPT = ACCEPTED  # many groups at once, without a look at each
    REJECT = "reject"
    SPLIT = "split"
    MERGE = "merge"
    KEEP = "keep"
    ASSIGN = "assign"  # groups to a person, or to nobody
    NOTE = "note"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Event:
    """An action on listings.

    at: ISO 8601, in UTC. undone: by a later event. who: a name, "" where it is not known. listings: ids, in
    order, all `count` of them or the first. keeper: the listing that was chosen to be kept, "" for none.
    text: the words of a note, or the person of an assignment, "" for nobody. undoes, took_back: the number
    and the action of the event that this one takes back, 0 and None for none; group and listings are then
    that one's.
    """

    number: int
    at: str
    action: Action
    group_id: str
    undone: bool
    who: str
    listings: tuple[str, ...]
    count: int
    keeper: str = ""
    text: str = ""
    undoes: int = 0
    took_back: Action | None = None

    @property
    def standing(self) -> bool:
        """Whether it can be undone: it is no undo, and was not undone."""
        return self.action is not Action.UNDO and not self.undone


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events. who: of one person, "" for those without a name; None for all. action: None for all.
    first, last: the lowest and the highest number. standing: only those that can be undone."""

    who: str | None = None
    action: Action | None = None
    first: int = 0
    last: int = 2**62
    standing: bool = False

    def where(self) -> tuple[str, list[object]]:
        """A condition in SQL, and its values."""
        conditions, values = ["events.number between ? and ?"], [self.first, self.last]
        chosen: list[object] = list(values)
        for column, value in (("who", self.who), ("kind", self.action)):
            if value is not None:
                conditions.append(f"events.{column} = ?")
                chosen.append(value)
        if self.standing:
            conditions.append(f"events.undoes is null and events.number not in {UNDONE}")
        return " and ".join(conditions), chosen


def read_events(
    db: sqlite3.Connection,
    wanted: EventFilter,
    limit: int,
    skip: int = 0,
    most_listings: int = MOST_LISTINGS,
) -> list[Event]:
    """The events, the latest first, each with at most so many listings; -1 for all."""
    where, values = wanted.where()
    rows = db.execute(
        "select events.number, events.at, events.kind, events.group_id, "
        f"coalesce(undone.number, events.number), events.number in {UNDONE}, events.who, "
        "coalesce(undone.text, events.text), undone.kind "
        f"from events left join events as undone on undone.number = events.undoes where {where} "
        "order by events.number desc limit ? offset ?",
        (*values, limit, skip),
    ).fetchall()
    return [
        Event(
            number,
            at,
            Action(action),
            group_id,
            bool(is_undone),
            who,
            *_listings(db, about, most_listings),
            text,
            0 if about == number else about,
            Action(took_back) if took_back else None,
        )
        for number, at, action, group_id, about, is_undone, who, text, took_back in rows
    ]


def count_events(db: sqlite3.Connection, wanted: EventFilter) -> int:
    """How many events pass."""
    where, values = wanted.where()
    return int(db.execute(f"select count(*) from events where {where}", values).fetchone()[0])


def last_change(db: sqlite3.Connection, ids: Sequence[str]) -> int:
    """The number of the last event that decided on one of `ids`, or undid that; 0 for none. Notes and
    assignments decide nothing."""
    # One id at a time: SQLite limits the number of variables of a query.
    return max(
        (db.execute(f"select max(number) {_DECIDING}", (id,)).fetchone()[0] or 0 for id in ids), default=0
    )


def changes_since(db: sqlite3.Connection, ids: Sequence[str], seen: int) -> list[int]:
    """The numbers of those events after `seen`, as in `last_change`, the latest first."""
    found: set[int] = set()
    for id in ids:
        found.update(
            number for (number,) in db.execute(f"select number {_DECIDING} and number > ?2", (id, seen))
        )
    return sorted(found, reverse=True)


_DECIDING = (
    "from events where coalesce(undoes, number) in ("
    "select event from statements where id_a = ?1 union select event from statements where id_b = ?1 "
    "union select event from keepers where id = ?1)"
)


def _listings(db: sqlite3.Connection, event: int, most: int) -> tuple[tuple[str, ...], int, str]:
    """The first ids that an event is about, in order; their count; the one that it chose to be kept."""
    all_ids = (
        "from (select id_a as id from statements where event = ?1 "
        "union select id_b from statements where event = ?1 "
        "union select id from keepers where event = ?1 union select id from remarks where event = ?1)"
    )
    rows = db.execute(f"select id {all_ids} order by id limit ?2", (event, most)).fetchall()
    ids = tuple(id for (id,) in rows)
    count = len(ids)
    if count == most:
        count = db.execute(f"select count(*) {all_ids}", (event,)).fetchone()[0]
    keeper = db.execute("select id from keepers where event = ? and chosen", (event,)).fetchone()
    return ids, count, keeper[0] if keeper else ""
