"""Stores the decisions of people about an index's listings: an append-only log of events in one SQLite file.

An event makes labels of pairs, one product or two, or chooses the listing of a group to be kept, or remarks
on listings. Of several labels of a pair the latest stands, and an undone event counts as never made. A label
names the content hashes of both listings, and counts only while these are unchanged: so decisions survive any
rebuild, and a person is asked again where a listing changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Self

from itemsearch.decisions.events import (
    UNDONE,
    Action,
    Event,
    EventFilter,
    changes_since,
    count_events,
    last_change,
    read_events,
)
from itemsearch.decisions.log_file import LogFile
from itemsearch.decisions.pair_labels import KeeperChoice, PairLabel
from itemsearch.decisions.remarks import Remark
from itemsearch.errors import StaleDecisionError

FILE = "decisions.sqlite"
ALL_EVENTS = EventFilter()


class DecisionLog:
    """The decisions on one index; threads and processes can share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = LogFile(path)

    @classmethod
    def of_index(cls, index: Path) -> Self:
        """The log in an index folder; the first decision makes the file."""
        return cls(index / FILE)

    def record(
        self,
        action: Action,
        group_id: str,
        labels: Sequence[PairLabel],
        seen: int,
        shown: Sequence[str],
        drawn: str = "",
        who: str = "",
    ) -> int:
        """Adds an event with its labels, and returns its number.

        Args:
            seen: the value of `last_change(shown)` when the page with the listings `shown` was made.
            drawn: the tier that the group was drawn from at random, to be checked; "" where it was not drawn.
            who: the name of the person; "" where it is not known.

        Raises:
            StaleDecisionError: somebody decided on one of `shown` since; nothing is saved.
            DecisionsError: the file cannot be written.
        """
        with self.file.writing() as db:
            _check_unchanged(db, shown, seen)
            number = _add_event(db, action, group_id, drawn=drawn, who=who)
            db.executemany(
                "insert into statements values (?, ?, ?, ?, ?, ?)",
                [(number, each.id_a, each.id_b, each.same, each.hash_a, each.hash_b) for each in labels],
            )
            return number

    def choose_keeper(
        self,
        id: str,
        group_id: str,
        hashes: Mapping[str, str],
        seen: int,
        shown: Sequence[str],
        who: str = "",
    ) -> int:
        """Adds the event that of the listings in `hashes`, id to content hash, `id` is to be kept.

        Raises:
            StaleDecisionError, DecisionsError: as `record`.
        """
        with self.file.writing() as db:
            _check_unchanged(db, shown, seen)
            number = _add_event(db, Action.KEEP, group_id, who=who)
            rows = [(number, each, content_hash, each == id) for each, content_hash in hashes.items()]
            db.executemany("insert into keepers values (?, ?, ?, ?)", rows)
            return number

    def remark(self, action: Action, group_id: str, ids: Sequence[str], text: str, who: str = "") -> int:
        """Adds a note on listings, or their assignment to a person, and returns the number of the event.

        Raises:
            DecisionsError: the file cannot be written.
        """
        with self.file.writing() as db:
            number = _add_event(db, action, group_id, who=who, text=text)
            db.executemany("insert into remarks values (?, ?)", [(number, id) for id in ids])
            return number

    def undo(self, number: int, who: str = "") -> int:
        """Undoes an event by adding another one, and returns the number of that.

        Raises:
            StaleDecisionError: the event is undone already, or there is no event of this number.
            DecisionsError: the file cannot be written.
        """
        with self.file.writing() as db:
            event = db.execute(
                f"select group_id from events where number = ? and kind <> ? and number not in {UNDONE}",
                (number, Action.UNDO),
            ).fetchone()
            if event is None:
                raise StaleDecisionError(f"decision {number} is undone already")
            return _add_event(db, Action.UNDO, event[0], undoes=number, who=who)

    def last_change(self, ids: Sequence[str] | None = None) -> int:
        """The number of the last event, or of the last one that decided on one of `ids`; 0 for none."""
        with self.file.reading() as db:
            if db is None:
                return 0
            if ids is not None:
                return last_change(db, ids)
            return int(db.execute("select coalesce(max(number), 0) from events").fetchone()[0])

    def labels(self) -> list[PairLabel]:
        """The labels that stand: one a pair, in the order of the ids."""
        with self.file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select id_a, id_b, same, hash_a, hash_b, event, at, kind, group_id, drawn, who "
                "from standing join events on number = event order by id_a, id_b"
            )
            return [PairLabel(a, b, bool(same), *rest) for a, b, same, *rest in rows]

    def changed_labels(self, since: int) -> dict[tuple[str, str], PairLabel | None]:
        """The pairs that events after the number `since` are about, each with the label that stands now; None
        where none does any longer."""
        with self.file.reading() as db:
            if db is None:
                return {}
            rows = db.execute(
                "with changed as (select distinct id_a, id_b from statements where event > ?1 "
                "or event in (select undoes from events where number > ?1)), "
                "latest as (select id_a, id_b, same, hash_a, hash_b, max(event) as event from changed "
                "join statements using (id_a, id_b) "
                f"where event not in {UNDONE} group by id_a, id_b) "
                "select id_a, id_b, same, hash_a, hash_b, event, at, kind, group_id, drawn, who "
                "from changed left join latest using (id_a, id_b) left join events on number = event",
                (since,),
            )
            return {
                (a, b): PairLabel(a, b, bool(same), *rest) if rest[2] else None for a, b, same, *rest in rows
            }

    def keepers(self) -> list[KeeperChoice]:
        """The choices of keepers that stand, the earliest first."""
        with self.file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select id, hash, number, at, who from keepers join events on number = event "
                f"where chosen and number not in {UNDONE} order by number"
            )
            return [KeeperChoice(*row) for row in rows]

    def remarks(self) -> list[Remark]:
        """The notes and assignments that stand, the earliest first."""
        with self.file.reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select number, at, kind, who, text, id from remarks join events on number = event "
                f"where number not in {UNDONE} order by number, id"
            )
            return [
                Remark(number, at, Action(action), who, text, tuple(row[-1] for row in same_event))
                for (number, at, action, who, text), same_event in groupby(rows, lambda row: row[:-1])
            ]

    def next_event(self, after: int) -> Event | None:
        """The first event after the number `after`, with all its listings; None where it is the last one."""
        with self.file.reading() as db:
            query = "select min(number) from events where number > ?"
            number = None if db is None else db.execute(query, (after,)).fetchone()[0]
        return None if number is None else self.event(number)

    def pairs_of(self, event: Event) -> list[tuple[str, str]]:
        """The pairs of listings that an event made labels of, or took them back from."""
        with self.file.reading() as db:
            query = "select id_a, id_b from statements where event = ? order by id_a, id_b"
            return [] if db is None else db.execute(query, (event.undoes or event.number,)).fetchall()

    def remarked_since(self, number: int) -> bool:
        """Whether an event after the number was a note or an assignment, or undid one."""
        with self.file.reading() as db:
            if db is None:
                return False
            query = (
                "select exists (select 1 from events where number > ? "
                "and coalesce(undoes, number) in (select event from remarks))"
            )
            return bool(db.execute(query, (number,)).fetchone()[0])

    def event(self, number: int) -> Event | None:
        """The event of a number, with all its listings; None where there is none."""
        with self.file.reading() as db:
            one = EventFilter(first=number, last=number)
            return None if db is None else next(iter(read_events(db, one, 1, most_listings=-1)), None)

    def events(self, limit: int = -1, skip: int = 0, wanted: EventFilter = ALL_EVENTS) -> list[Event]:
        """At most `limit` events after `skip` others, undos included, the latest first."""
        with self.file.reading() as db:
            return [] if db is None else read_events(db, wanted, limit, skip)

    def count(self, wanted: EventFilter = ALL_EVENTS) -> int:
        """How many events there are."""
        with self.file.reading() as db:
            return 0 if db is None else count_events(db, wanted)

    def changes(self, ids: Sequence[str], seen: int) -> list[Event]:
        """The events after `seen` that decided on one of `ids`, or undid that, the latest first."""
        with self.file.reading() as db:
            if db is None:
                return []
            numbers = changes_since(db, ids, seen)
            return [read_events(db, EventFilter(first=number, last=number), 1)[0] for number in numbers]

    def people(self) -> list[str]:
        """The names of those who did something, in order; "" for those without a name comes first."""
        with self.file.reading() as db:
            rows = [] if db is None else db.execute("select distinct who from events order by who").fetchall()
            return [who for (who,) in rows]


def _check_unchanged(db: sqlite3.Connection, shown: Sequence[str], seen: int) -> None:
    if (last := last_change(db, shown)) > seen:
        action, at = db.execute("select kind, at from events where number = ?", (last,)).fetchone()
        raise StaleDecisionError(f"somebody else decided here ({action}, {at}) after this page was made")


def _add_event(
    db: sqlite3.Connection,
    action: Action,
    group_id: str,
    *,
    undoes: int | None = None,
    drawn: str = "",
    who: str = "",
    text: str = "",
) -> int:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = db.execute(
        "insert into events (at, kind, group_id, undoes, drawn, who, text) values (?, ?, ?, ?, ?, ?, ?)",
        (now, action, group_id, undoes, drawn, who, text),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid
