"""What people decided about an index's listings: events that are only ever added, in one SQLite file.

Every decision is a set of statements about pairs: these two are the same product, or they are not. Of several
statements about a pair the latest stands, one that was undone counts as never made, and each holds only
while both listings are what they were when it was made, by their content hashes. So decisions survive any
rebuild, and are asked anew where a product changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.statements import Statement, holding
from itemsearch.errors import DecisionsError, StaleDecisionError

if TYPE_CHECKING:
    from itemsearch.search.engine import Engine

FILE = "decisions.sqlite"
FORMAT = 1
WAIT_SECONDS = 10.0

_SCHEMA = """
create table events (
    number integer primary key autoincrement,
    at text not null,
    kind text not null,
    group_id text not null,
    undoes integer references events
);
create table statements (
    event integer not null references events,
    id_a text not null,
    id_b text not null,
    same integer not null,
    hash_a text not null,
    hash_b text not null
);
create index statements_event on statements (event);
create index statements_a on statements (id_a);
create index statements_b on statements (id_b);
create unique index events_undoes on events (undoes) where undoes is not null;
create view standing as
    select id_a, id_b, same, hash_a, hash_b, max(event) as event from statements
    where event not in (select undoes from events where undoes is not null)
    group by id_a, id_b;
"""


class Kind(StrEnum):
    """What was decided. The value is what the file and its exports hold."""

    CONFIRM = "confirm"
    REJECT = "reject"
    SPLIT = "split"
    MERGE = "merge"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Event:
    """listings: the ids that it is about, in order. undone: by a later event."""

    number: int
    at: str
    kind: Kind
    group_id: str
    undone: bool
    listings: tuple[str, ...]


class Decisions:
    """The decisions of one index. Connections last for one call, so that threads and people may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_index(cls, index: Path) -> Self:
        """Those in an index folder; the file is made by the first decision."""
        return cls(index / FILE)

    def record(
        self, kind: Kind, group_id: str, statements: Sequence[Statement], seen: int, shown: Sequence[str]
    ) -> int:
        """Adds an event, and returns its number.

        Args:
            seen: what `last_change(shown)` was when the person was shown the listings `shown`.

        Raises:
            StaleDecisionError: somebody decided on one of them since; nothing is saved.
            DecisionsError: the file cannot be written.
        """
        with self._writing() as db:
            _check_unchanged(db, shown, seen)
            number = _add_event(db, kind, group_id, None)
            db.executemany(
                "insert into statements values (?, ?, ?, ?, ?, ?)",
                [(number, s.id_a, s.id_b, s.same, s.hash_a, s.hash_b) for s in statements],
            )
            return number

    def undo(self, number: int) -> int:
        """Takes an event back, by another one whose number is returned.

        Raises:
            StaleDecisionError: it is undone already, or there is none of this number.
            DecisionsError: the file cannot be written.
        """
        with self._writing() as db:
            found = db.execute(
                "select group_id from events where number = ? and kind <> ? "
                "and number not in (select undoes from events where undoes is not null)",
                (number, Kind.UNDO),
            ).fetchone()
            if found is None:
                raise StaleDecisionError(f"decision {number} is undone already")
            return _add_event(db, Kind.UNDO, found[0], number)

    def last_change(self, ids: Sequence[str] | None = None) -> int:
        """The number of the last event, or of the last about one of `ids`; 0 if there is none."""
        with self._reading() as db:
            if db is None:
                return 0
            if ids is not None:
                return _last_change(db, ids)
            return int(db.execute("select coalesce(max(number), 0) from events").fetchone()[0])

    def statements(self) -> list[Statement]:
        """What stands: a statement a pair, in the order of the ids."""
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select id_a, id_b, same, hash_a, hash_b, event, at, kind, group_id "
                "from standing join events on number = event order by id_a, id_b"
            )
            return [Statement(a, b, bool(same), *rest) for a, b, same, *rest in rows]

    def event(self, number: int) -> Event | None:
        """The event of a number; None where there is none."""
        return next((event for event in self.events(1, number) if event.number == number), None)

    def events(self, limit: int = -1, last: int = 2**62) -> list[Event]:
        """The latest first, undos among them: `limit` of those up to the number `last`, by default all."""
        with self._reading() as db:
            if db is None:
                return []
            rows = db.execute(
                "select number, at, kind, group_id, coalesce(undoes, number), "
                "number in (select undoes from events where undoes is not null) "
                "from events where number <= ? order by number desc limit ?",
                (last, limit),
            ).fetchall()
            return [
                Event(number, at, Kind(kind), group_id, bool(undone), _listings(db, about))
                for number, at, kind, group_id, about, undone in rows
            ]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None where nothing was ever decided."""
        if not self.path.exists():
            yield None
            return
        with self._connection() as db:
            yield db if _format(db) else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db:
            db.execute("pragma journal_mode = wal")
            # Taken before anything is read: what is checked cannot change before it is written.
            db.execute("begin immediate")
            try:
                if not _format(db):
                    for command in _SCHEMA.split(";\n"):
                        db.execute(command)
                    db.execute(f"pragma user_version = {FORMAT}")
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
                if _format(db) > FORMAT:
                    raise DecisionsError(f"{self.path}: written by a later itemsearch; use that one")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise DecisionsError(
                f"{self.path}: {error}; move it away, or put a backup in its place"
            ) from error


def rejected_pairs(engine: Engine) -> set[tuple[str, str]]:
    """The pairs (id_a, id_b) of an open index that a person said are two products, and that hold."""
    return {(s.id_a, s.id_b) for s in _held(engine) if not s.same}


def labels(engine: Engine) -> pa.Table:
    """What people decided about an open index, and holds: id_a, id_b string, same bool."""
    held = _held(engine)
    schema = pa.schema({"id_a": pa.string(), "id_b": pa.string(), "same": pa.bool_()})
    rows = [{"id_a": s.id_a, "id_b": s.id_b, "same": s.same} for s in held]
    return pa.Table.from_pylist(rows, schema)


def content_hashes(engine: Engine, ids: Sequence[str] | set[str]) -> dict[str, str]:
    """Of those of `ids` that the index holds. Vectors that a team brought have none: "" stands for them."""
    products = engine.listings
    rows = pc.index_in(pa.array(list(ids), pa.string()), products["id"]).drop_null()
    found = products["id"].take(rows).to_pylist()
    if "content_hash" not in products.column_names:
        return dict.fromkeys(found, "")
    return dict(zip(found, products["content_hash"].take(rows).to_pylist(), strict=True))


def _held(engine: Engine) -> list[Statement]:
    statements = Decisions.of_index(engine.folder).statements()
    about = {s.id_a for s in statements} | {s.id_b for s in statements}
    return holding(statements, content_hashes(engine, about)) if about else []


def _format(db: sqlite3.Connection) -> int:
    """0 where the file is just being made."""
    return int(db.execute("pragma user_version").fetchone()[0])


def _check_unchanged(db: sqlite3.Connection, shown: Sequence[str], seen: int) -> None:
    if (last := _last_change(db, shown)) > seen:
        kind, at = db.execute("select kind, at from events where number = ?", (last,)).fetchone()
        raise StaleDecisionError(f"somebody else decided here ({kind}, {at}) after this page was made")


def _last_change(db: sqlite3.Connection, ids: Sequence[str]) -> int:
    # One id at a time: SQLite bounds how many variables a query has.
    query = (
        "select max(e.number) from events e join statements s on s.event = coalesce(e.undoes, e.number) "
        "where s.id_a = ?1 or s.id_b = ?1"
    )
    return max((db.execute(query, (id,)).fetchone()[0] or 0 for id in ids), default=0)


def _add_event(db: sqlite3.Connection, kind: Kind, group_id: str, undoes: int | None) -> int:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = db.execute(
        "insert into events (at, kind, group_id, undoes) values (?, ?, ?, ?)", (now, kind, group_id, undoes)
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _listings(db: sqlite3.Connection, event: int) -> tuple[str, ...]:
    rows = db.execute(
        "select id_a from statements where event = ?1 union select id_b from statements where event = ?1",
        (event,),
    )
    return tuple(sorted(id for (id,) in rows))
