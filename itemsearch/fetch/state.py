"""Keeps the pictures of a folder and what is known of their addresses; a kill at any moment loses little.

A picture is named by the hash of its content; then the outcomes of many are recorded in one transaction.
What was not recorded does not count and is asked for again. The disk is flushed at the end of a run alone: if
that was not reached, perhaps because the machine crashed, a picture counts only if its content has its hash.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Self

from itemsearch.errors import FetchError
from itemsearch.fetch.types import Known, Outcome, Result
from itemsearch.fetched import PICTURES, STATE, picture_path
from itemsearch.indexes.durable import only_writer
from itemsearch.indexes.errors import BusyError, DiskFullError

FAILURES = "failures.csv"

RESUME_SECONDS = 12 * 3600
"""A run that was stopped longer ago is begun anew: its answers are of another day. A guess."""

_FILE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]+")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS addresses (
    address TEXT PRIMARY KEY, result TEXT NOT NULL, status INTEGER NOT NULL, final_address TEXT NOT NULL,
    etag TEXT, last_modified TEXT, content_hash TEXT, format TEXT, bytes INTEGER,
    reason TEXT NOT NULL, error TEXT NOT NULL, checked REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unfinished (since REAL NOT NULL);
"""


class FetchState:
    """The folder of fetched pictures, held by one writer."""

    def __init__(self, folder: Path, database: sqlite3.Connection, since: float, stopped: bool) -> None:
        self.folder = folder
        self._database = database
        self._since = since
        self._stopped = stopped
        self._made: set[str] = set()

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """Opens a folder, makes it if there is none, and removes the pictures that no address has.

        Raises:
            FetchError: the folder holds other files, another process writes to it, its state is damaged, or
                the disk is full.
        """
        _check_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with only_writer(folder, "folder of pictures"), _reported(folder):
                database = sqlite3.connect(folder / STATE)
                try:
                    # A log beside the file: a transaction need not wait for the disk, and readers not for it.
                    database.execute("PRAGMA journal_mode = WAL")
                    database.execute("PRAGMA synchronous = NORMAL")
                    database.executescript(_SCHEMA)
                    state = cls(folder, database, *_begin(database))
                    state._remove_unused()
                    yield state
                finally:
                    database.close()
        except (BusyError, DiskFullError) as error:
            raise FetchError(str(error)) from error

    def known(self, address: str) -> Known | None:
        """What an earlier run kept for an address, if its file is there and as long as it was."""
        query = "SELECT etag, last_modified, content_hash, format, bytes FROM addresses WHERE address = ?"
        row = self._database.execute(query, (address,)).fetchone()
        if row is None or row[2] is None:
            return None
        known = Known(*row)
        path = picture_path(self.folder, known.content_hash, known.format)
        return known if self._is_whole(path, known) else None

    def resumed(self, address: str) -> Result | None:
        """What a run that was stopped, and that this one resumes, had recorded; None for a failure too."""
        if not self._stopped:
            return None
        query = "SELECT result FROM addresses WHERE address = ? AND checked >= ? AND reason = ''"
        row = self._database.execute(query, (address, self._since)).fetchone()
        return None if row is None or self.known(address) is None else Result(row[0])

    def write_picture(self, body: bytes, picture: Known) -> None:
        """Writes a picture, unless it is there: others may be reading it."""
        path = picture_path(self.folder, picture.content_hash, picture.format)
        if self._is_whole(path, picture):
            return
        folder = picture.content_hash[:2]
        if folder not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        path.write_bytes(body)

    def save(self, outcomes: Sequence[Outcome]) -> None:
        """Records outcomes; the pictures of the downloaded ones have to be written.

        Raises:
            OSError, sqlite3.Error: the disk is full or fails.
        """
        with self._database:
            self._database.executemany(
                f"INSERT OR REPLACE INTO addresses VALUES ({', '.join('?' * 12)})", map(_row, outcomes)
            )
        self._database.execute("BEGIN")  # one lock for all the questions up to the next time

    def finish(self) -> None:
        """Says that the run is done, so that the next one asks for every address; flushes all to the disk."""
        os.sync()
        self._database.commit()
        with self._database:
            self._database.execute("DELETE FROM unfinished")
        self._database.execute(
            "PRAGMA journal_mode = DELETE"
        )  # one file again, which read-only disks may hold

    def _is_whole(self, path: Path, picture: Known) -> bool:
        try:
            if path.stat().st_size != picture.bytes:
                return False
            return not self._stopped or content_hash(path.read_bytes()) == picture.content_hash
        except FileNotFoundError:
            return False

    def _remove_unused(self) -> None:
        """Removes what killed writers left, and pictures of which there was a newer one the last time."""
        query = "SELECT DISTINCT content_hash, format FROM addresses WHERE content_hash IS NOT NULL"
        used = {f"{name}.{format.lower()}" for name, format in self._database.execute(query)}
        for path in (self.folder / PICTURES).glob("??/*"):
            if _FILE.fullmatch(path.name) and path.name not in used:
                path.unlink()


def content_hash(body: bytes) -> str:
    """64 hex digits."""
    return blake2b(body, digest_size=32).hexdigest()


def _begin(database: sqlite3.Connection) -> tuple[float, bool]:
    """When the run began that this one resumes, or now without one; and whether the last run did not end."""
    now = time.time()
    row = database.execute("SELECT since FROM unfinished").fetchone()
    if row is not None and 0 <= now - row[0] < RESUME_SECONDS:
        return float(row[0]), True
    with database:
        database.execute("DELETE FROM unfinished")
        database.execute("INSERT INTO unfinished VALUES (?)", (now,))
    return now, row is not None


def _row(outcome: Outcome) -> tuple[object, ...]:
    picture = outcome.picture
    kept = (
        (None,) * 5
        if picture is None
        else (picture.etag, picture.last_modified, picture.content_hash, picture.format, picture.bytes)
    )
    said = (outcome.address, outcome.result.value, outcome.status, outcome.final_address)
    return (*said, *kept, outcome.reason, outcome.error, outcome.checked)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """
    Raises:
        FetchError: in place of an error of SQLite.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise FetchError(
            f"{folder / STATE}: {error}; if it is damaged, remove it, and every address is asked anew"
        ) from error


def _check_folder(folder: Path) -> None:
    """
    Raises:
        FetchError: `folder` is a file, or holds files of others.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FetchError(f"{folder}: a file; pictures go to a folder, give another")
    names = sorted(path.name for path in folder.iterdir())
    foreign = [
        name for name in names if name not in (PICTURES, FAILURES) and not name.startswith((STATE, FAILURES))
    ]
    if foreign:
        raise FetchError(f"{folder}: holds {foreign[0]}, which is no fetched picture's; give another folder")
