"""The file of decisions: its tables, its connections, and how earlier formats are read and converted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itemsearch.errors import DecisionsError

FORMAT = 4
"""Of the file. Decisions of people are always read: formats 1, which lacks `drawn`, 2, which lacks `who` and
the keepers, and 3, which lacks the remarks, are converted by the next decision."""
WAIT_SECONDS = 10.0

# The tables keep their first names: kind is the action of an event, statements are the labels that it makes.
_KEEPERS = """
create table keepers (
    event integer not null references events,
    id text not null,
    hash text not null,
    chosen integer not null
);
create index keepers_event on keepers (event);
create index keepers_id on keepers (id)
"""
# The listings of an assignment or a note; events.text is the person or the words.
_REMARKS = """
create table remarks (
    event integer not null references events,
    id text not null
);
create index remarks_event on remarks (event)
"""
_SCHEMA = f"""
create table events (
    number integer primary key autoincrement,
    at text not null,
    kind text not null,
    group_id text not null,
    undoes integer references events,
    drawn text not null default '',
    who text not null default '',
    text text not null default ''
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
{_KEEPERS};{_REMARKS}"""
_CONVERT = {
    1: "alter table events add column drawn text not null default ''",
    2: f"alter table events add column who text not null default '';{_KEEPERS}",
    3: f"alter table events add column text text not null default '';{_REMARKS}",
}
"""Format to the commands that make the next one of it."""
_ADDED = {"drawn": 2, "who": 3, "text": 4}
"""Columns of events, and the formats since which they are there."""


class LogFile:
    """Connects to the file. Every call has its own connection, so that threads can share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read with; None where there are no decisions yet."""
        if not self.path.exists():
            yield None
            return
        with self._connection() as db:
            _complete(db)
            yield db if _format_of(db) else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, which is rolled back on an exception."""
        with self._connection() as db:
            db.execute("pragma journal_mode = wal")
            # The lock comes before the first read, so that nothing changes between the check and the write.
            db.execute("begin immediate")
            try:
                _prepare(db)
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
                if _format_of(db) > FORMAT:
                    raise DecisionsError(f"{self.path}: written by a later itemsearch; use that one")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise DecisionsError(
                f"{self.path}: {error}; move it away, or put a backup in its place"
            ) from error


def _format_of(db: sqlite3.Connection) -> int:
    """The format of the file; 0 where it is new."""
    return int(db.execute("pragma user_version").fetchone()[0])


def _prepare(db: sqlite3.Connection) -> None:
    """Makes the tables of a new file, or converts a file of an earlier format."""
    written = _format_of(db)
    if written == FORMAT:
        return
    steps = [_CONVERT[number] for number in range(written, FORMAT)] if written else [_SCHEMA]
    for command in ";".join(steps).split(";"):
        db.execute(command)
    db.execute(f"pragma user_version = {FORMAT}")


def _complete(db: sqlite3.Connection) -> None:
    """Gives a connection to a file of an earlier format what it lacks; the file stays as it is."""
    written = _format_of(db)
    if not 0 < written < FORMAT:
        return
    columns = ", ".join(name if since <= written else f"'' as {name}" for name, since in _ADDED.items())
    # A temporary view comes before the table of the same name.
    db.execute(
        f"create temp view events as select number, at, kind, group_id, undoes, {columns} from main.events"
    )
    if written < 3:
        db.execute("create temp table keepers (event integer, id text, hash text, chosen integer)")
    db.execute("create temp table remarks (event integer, id text)")
