"""Keeps larger pictures than the thumbnails beside a store, for people to look at.

They are in an SQLite file of their own, by the content hash of their listing: pages read one at a time, and a
new run adds and removes some of them. Embeddings, hashes and evidence use the thumbnails alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from itemsearch.catalog.images import SMALL_SIDE
from itemsearch.errors import StoreError
from itemsearch.store.schema import thumbnail
from itemsearch.types import Listing

KEPT = "pictures.sqlite"
KEPT_FILES = (KEPT, f"{KEPT}-journal")
KEPT_SIDE = 384
"""The most pixels a side of a kept picture: what two of them side by side fill on a phone, and on a screen
enough to read large print. A product photo takes about 15 KB."""


class KeepPictures(StrEnum):
    """Which pictures are kept: of those that lie within the catalog's own files (Parquet, JSON), of all, or
    none. The others are read from their own files."""

    EMBEDDED = "embedded"
    ALL = "all"
    NONE = "none"


class PictureKeeper:
    """A context manager that adds the pictures of listings to those that a store keeps."""

    def __init__(self, store: Path, policy: KeepPictures) -> None:
        self.path = store / KEPT
        self.policy = policy
        self._lock = Lock()
        self._file: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self.policy is KeepPictures.NONE:
            for name in KEPT_FILES:
                self.path.with_name(name).unlink(missing_ok=True)
        elif self.path.exists():
            self._file = _open(self.path, "rw")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def remove_others(self, content_hashes: Iterable[str]) -> None:
        """Removes the pictures of listings that are not among these.

        Raises:
            StoreError: the file is damaged, or the disk is full.
        """
        if self._file is None:
            return
        with _errors(self.path), self._file as file:
            file.execute("CREATE TEMP TABLE held (content_hash TEXT PRIMARY KEY)")
            file.executemany("INSERT OR IGNORE INTO held VALUES (?)", ((each,) for each in content_hashes))
            file.execute("DELETE FROM pictures WHERE content_hash NOT IN (SELECT content_hash FROM held)")

    def wants(self, content_hash: str, image_name: str) -> bool:
        """Whether a picture of this name is to be kept and is not yet. Safe to call from many threads."""
        if self.policy is KeepPictures.NONE or (self.policy is KeepPictures.EMBEDDED and image_name):
            return False
        if self._file is None:
            return True
        with self._lock, _errors(self.path):
            query = "SELECT 1 FROM pictures WHERE content_hash = ?"
            return self._file.execute(query, (content_hash,)).fetchone() is None

    def add(self, listings: Sequence[Listing]) -> None:
        """Keeps those of the listings' pictures that are wanted.

        Raises:
            StoreError: the file is damaged, or the disk is full.
        """
        rows = [
            (each.content_hash, _larger(each))
            for each in listings
            if each.image is not None and self.wants(each.content_hash, each.image_name)
        ]
        if not rows:
            return
        if self._file is None:
            self._file = _open(self.path, "rwc")
        with self._lock, _errors(self.path), self._file as file:
            file.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?)", rows)


class KeptPictures:
    """Reads the pictures that a store keeps; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._file = _open(path, "ro")

    def find(self, content_hash: str) -> bytes | None:
        """The JPEG of a listing's picture, of at most `KEPT_SIDE` pixels a side; None where none is kept.

        Raises:
            StoreError: the file is damaged.
        """
        with self._lock, _errors(self.path):
            query = "SELECT jpeg FROM pictures WHERE content_hash = ?"
            row = self._file.execute(query, (content_hash,)).fetchone()
        jpeg: bytes | None = row[0] if row else None
        return jpeg


def _larger(listing: Listing) -> bytes | None:
    """The picture to keep; None where the thumbnail is as large."""
    assert listing.image is not None
    return thumbnail(listing.image, KEPT_SIDE) if max(listing.image.size) > SMALL_SIDE else None


def _open(path: Path, mode: str) -> sqlite3.Connection:
    with _errors(path):
        file = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, check_same_thread=False)
        if mode != "ro":
            file.execute("CREATE TABLE IF NOT EXISTS pictures (content_hash TEXT PRIMARY KEY, jpeg BLOB)")
        return file


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors on a file into those of a store."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}; remove the file, and the next run makes it again") from error
