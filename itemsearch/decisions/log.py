"""Stores the decisions of people about an index's listings: an append-only log of events in one SQLite file.

An event makes labels of pairs, one product or two, or chooses the listing of a group to be kept. Of several
labels of a pair the latest stands, and an undone event counts as never made. A label names the content hashes
of both listings, and counts only while these are unchanged: so decisions survive any rebuild, and a person is
asked again where a listing changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from itemsearch.decisions.log_file import FORMAT, complete, drawn_column, format_of, name_column, prepare
from itemsearch.decisions.pair_labels import ACCEPTED, KeeperChoice, PairLabel
from itemsearch.errors import DecisionsError, StaleDecisionError

FILE = "decisions.sqlite"
WAIT_SECONDS = 10.0


class Action(StrEnum):
    """What a person did. The file and its exports store the value."""

    CONFIRM = "confirm"
    ACCEPT = ACCEPTED  # many groups at once, without a look at each
    REJECT = "reject"
    SPLIT = "split"
    MERGE = "merge"
    KEEP = "keep"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Event:
    """An action on listings. at: ISO 8601, in UTC. undone: by a later event. listings: ids, in order. keeper:
    the listing that was chosen to be kept, "" for none. who: a name, "" where it is not known. undoes: the
    number of the event that this one takes back, 0 for none; group and listings are then that one's."""

    number: int
    at: str
    action: Action
    group_id: str
    undone: bool
    who: str
    listings: tuple[str, ...]
    keeper: str
    undoes: int = 0


class DecisionLog:
    """The decisions on one index. Every call has its own connection, so that threads can share the log."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        with self._writing() as db:
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
        with self._writing() as db:
            _check_unchanged(db, shown, seen)
            number = _add_event(db, Action.KEEP, group_id, who=who)
            rows = [(number, each, content_hash, each == id) for each, content_hash in hashes.items()]
            db.executemany("insert into keepers values (?, ?, ?, ?)", rows)
            return number

    def undo(self, number: int, who: str = "") -> int:
        """Undoes an event by adding another one, and returns the number of that.

        Raises:
            StaleDecisionError: the event is undone already, or there is no event of this number.
            DecisionsError: the file cannot be written.
        """
        with self._writing() as db:
            event = db.execute(
                "select group_id from events where number = ? and kind <> ? "
                "and number not in (select undoes from events where undoes is not null)",
                (number, Action.UNDO),
            ).fetchone()
            if event is None:
                raise StaleDecisionError(f"decision {number} is undone already")
            return _add_event(db, Action.UNDO, event[0], number, who=who)

    def last_change(self, ids: Sequence[str] | None = None) -> int:
        """The number of the last event, or of the last event on one of `ids`; 0 for none."""
        with self._reading() as db:
            if db is None:
                return 0
            if ids is not None:
                return _last_change(db, ids)
            return int(db.execute("select coalesce(max(number), 0) from events").fetchone()[0])

    def labels(self) -> list[PairLabel]:
        """The labels that stand: one a pair, in the order of the ids."""
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select id_a, id_b, same, hash_a, hash_b, event, at, kind, group_id, "
                f"{drawn_column(db)}, {name_column(db)} from standing "
                "join events on number = event order by id_a, id_b"
            )
            return [PairLabel(a, b, bool(same), *rest) for a, b, same, *rest in rows]

    def changed_labels(self, since: int) -> dict[tuple[str, str], PairLabel | None]:
        """The pairs that events after the number `since` are about, each with the label that stands now; None
        where none does any longer."""
        with self._reading() as db:
            if db is None:
                return {}
            rows = db.execute(
                "with changed as (select distinct id_a, id_b from statements where event > ?1 "
                "or event in (select undoes from events where number > ?1)), "
                "latest as (select id_a, id_b, same, hash_a, hash_b, max(event) as event from changed "
                "join statements using (id_a, id_b) "
                "where event not in (select undoes from events where undoes is not null) "
                "group by id_a, id_b) "
                "select id_a, id_b, same, hash_a, hash_b, event, at, kind, group_id, "
                f"{drawn_column(db)}, {name_column(db)} "
                "from changed left join latest using (id_a, id_b) left join events on number = event",
                (since,),
            )
            return {
                (a, b): PairLabel(a, b, bool(same), *rest) if rest[2] else None for a, b, same, *rest in rows
            }

    def keepers(self) -> list[KeeperChoice]:
        """The choices of keepers that stand, the earliest first."""
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                f"select id, hash, number, at, {name_column(db)} from keepers join events on number = event "
                "where chosen and number not in (select undoes from events where undoes is not null) "
                "order by number"
            )
            return [KeeperChoice(*row) for row in rows]

    def event(self, number: int) -> Event | None:
        """The event of a number, None where there is none."""
        return next((event for event in self.events(1, number) if event.number == number), None)

    def events(self, limit: int = -1, last: int = 2**62) -> list[Event]:
        """The latest `limit` events up to the number `last`, undos included, the latest first."""
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select number, at, kind, group_id, coalesce(undoes, number), "
                f"number in (select undoes from events where undoes is not null), {name_column(db)} "
                "from events where number <= ? order by number desc limit ?",
                (last, limit),
            ).fetchall()
            return [
                Event(
                    *(number, at, Action(action), group_id, bool(undone), who),
                    *_listings(db, about),
                    undoes=0 if about == number else about,
                )
                for number, at, action, group_id, about, undone, who in rows
            ]

    def next_event(self, after: int) -> Event | None:
        """The first event after the number `after`; None where it is the last one."""
        with self._reading() as db:
            query = "select min(number) from events where number > ?"
            number = None if db is None else db.execute(query, (after,)).fetchone()[0]
        return None if number is None else self.event(number)

    def pairs_of(self, event: Event) -> list[tuple[str, str]]:
        """The pairs of listings that an event made labels of, or took them back from."""
        with self._reading() as db:
            query = "select id_a, id_b from statements where event = ? order by id_a, id_b"
            return [] if db is None else db.execute(query, (event.undoes or event.number,)).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read with; None where there are no decisions yet."""
        if not self.path.exists():
            yield None
            return
        with self._connection() as db:
            complete(db)
            yield db if format_of(db) else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, which is rolled back on an exception."""
        with self._connection() as db:
            db.execute("pragma journal_mode = wal")
            # The lock comes before the first read, so that nothing changes between the check and the write.
            db.execute("begin immediate")
            try:
                prepare(db)
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
            try:
                if format_of(db) > FORMAT:
                    raise DecisionsError(f"{self.path}: written by a later itemsearch; use that one")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise DecisionsError(
                f"{self.path}: {error}; move it away, or put a backup in its place"
            ) from error


def _check_unchanged(db: sqlite3.Connection, shown: Sequence[str], seen: int) -> None:
    if (last := _last_change(db, shown)) > seen:
        action, at = db.execute("select kind, at from events where number = ?", (last,)).fetchone()
        raise StaleDecisionError(f"somebody else decided here ({action}, {at}) after this page was made")


def _last_change(db: sqlite3.Connection, ids: Sequence[str]) -> int:
    # One id at a time: SQLite limits the number of variables of a query.
    query = (
        "select max(number) from events where coalesce(undoes, number) in ("
        "select event from statements where id_a = ?1 union select event from statements where id_b = ?1 "
        "union select event from keepers where id = ?1)"
    )
    return max((db.execute(query, (id,)).fetchone()[0] or 0 for id in ids), default=0)


def _add_event(
    db: sqlite3.Connection,
    action: Action,
    group_id: str,
    undoes: int | None = None,
    *,
    drawn: str = "",
    who: str = "",
) -> int:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = db.execute(
        "insert into events (at, kind, group_id, undoes, drawn, who) values (?, ?, ?, ?, ?, ?)",
        (now, action, group_id, undoes, drawn, who),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _listings(db: sqlite3.Connection, event: int) -> tuple[tuple[str, ...], str]:
    """The ids that an event is about, in order, and the one that it chose to be kept, "" for none."""
    rows = db.execute(
        "select id_a from statements where event = ?1 union select id_b from statements where event = ?1 "
        "union select id from keepers where event = ?1",
        (event,),
    )
    keeper = db.execute("select id from keepers where event = ? and chosen", (event,)).fetchone()
    return tuple(sorted(id for (id,) in rows)), keeper[0] if keeper else ""
