"""The format of the file of decisions: its tables, and how earlier formats are read and converted."""

from __future__ import annotations

import sqlite3

FORMAT = 3
"""Of the file. Decisions of people are always read: formats 1, which lacks `drawn`, and 2, which lacks `who`
and the keepers, are converted by the next decision."""

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
_SCHEMA = f"""
create table events (
    number integer primary key autoincrement,
    at text not null,
    kind text not null,
    group_id text not null,
    undoes integer references events,
    drawn text not null default '',
    who text not null default ''
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
{_KEEPERS}"""
_CONVERT = {
    1: "alter table events add column drawn text not null default ''",
    2: f"alter table events add column who text not null default '';{_KEEPERS}",
}
"""Format to the commands that make the next one of it."""
_NO_KEEPERS = "create temp table keepers (event integer, id text, hash text, chosen integer)"
"""Lets a file of an earlier format be read like one of this format."""


def format_of(db: sqlite3.Connection) -> int:
    """The format of the file; 0 where it is new."""
    return int(db.execute("pragma user_version").fetchone()[0])


def prepare(db: sqlite3.Connection) -> None:
    """Makes the tables of a new file, or converts a file of an earlier format."""
    written = format_of(db)
    if written == FORMAT:
        return
    steps = [_CONVERT[number] for number in range(written, FORMAT)] if written else [_SCHEMA]
    for command in ";".join(steps).split(";"):
        db.execute(command)
    db.execute(f"pragma user_version = {FORMAT}")


def name_column(db: sqlite3.Connection) -> str:
    """The column of names, or what stands for it in a file of an earlier format."""
    return "who" if format_of(db) > 2 else "''"


def drawn_column(db: sqlite3.Connection) -> str:
    """The column of the tier that a group was drawn from, or what stands for it in a file of format 1."""
    return "drawn" if format_of(db) > 1 else "''"


def complete(db: sqlite3.Connection) -> None:
    """Gives a connection to a file of an earlier format the table that it lacks; the file stays as it is."""
    if 0 < format_of(db) < FORMAT:
        db.execute(_NO_KEEPERS)
