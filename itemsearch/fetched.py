"""Finds the pictures that `itemsearch fetch` keeps in a folder, by their addresses.

The folder holds `STATE`, an SQLite file with a row for each address, and `PICTURES`, where each picture has
the hash of its content for a name. A picture counts only by its row, which is written after it.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from itemsearch.errors import FetchError, ImageAddressError, ImageNotFoundError

STATE = "fetched.sqlite"
PICTURES = "pictures"

_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(https?://)[^/?#]*@", re.IGNORECASE)


def is_web_address(source: str) -> bool:
    return _WEB_ADDRESS.match(source) is not None


def without_credentials(address: str) -> str:
    """A web address as it is recorded and shown: without the user and password before its host."""
    return _CREDENTIALS.sub(r"\1", address)


def picture_path(folder: Path, content_hash: str, format: str) -> Path:
    """Where a picture is kept. format: Pillow's name of it, such as "JPEG"."""
    return folder.joinpath(PICTURES, content_hash[:2], f"{content_hash}.{format.lower()}")


class FetchedPictures:
    """A context manager that looks pictures up, on any thread.

    folder: the folder of fetched pictures; None for none, with which no address is found.
    """

    def __init__(self, folder: Path | None, state: sqlite3.Connection | None) -> None:
        self.folder = folder
        self._state = state

    @classmethod
    def open(cls, folder: Path | None) -> Self:
        """Opens what a folder has at this time; None opens none.

        Raises:
            FetchError: there are no fetched pictures, or their state is damaged.
        """
        if folder is None:
            return cls(None, None)
        path = folder / STATE
        if not path.is_file():
            raise FetchError(
                f"{folder}: no fetched pictures there: run `itemsearch fetch CATALOG --out {folder}`"
            )
        # Not read-only: what a killed writer left has to be rolled back first.
        state = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False)
        try:
            state.execute("SELECT content_hash, format, error FROM addresses LIMIT 1").fetchone()
        except sqlite3.Error as error:
            state.close()
            raise FetchError(f"{path}: cannot be read: {error}") from error
        return cls(folder, state)

    def path_of(self, address: str) -> Path:
        """The file of the picture at an address.

        Raises:
            ImageAddressError: no folder of fetched pictures was named.
            ImageNotFoundError: it has not been fetched; says why.
            FetchError: the state is damaged.
        """
        if self.folder is None or self._state is None:
            raise ImageAddressError(
                "a web address: download it with --fetch, or with `itemsearch fetch` and --fetched"
            )
        query = "SELECT content_hash, format, error FROM addresses WHERE address = ?"
        try:
            row = self._state.execute(query, (without_credentials(address),)).fetchone()
        except sqlite3.Error as error:
            raise FetchError(f"{self.folder / STATE}: cannot be read: {error}") from error
        if row is None:
            raise ImageNotFoundError("not fetched yet: run `itemsearch fetch`")
        content_hash, format, why = row
        if content_hash is None:
            raise ImageNotFoundError(f"not fetched: {why}")
        return picture_path(self.folder, content_hash, format)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._state is not None:
            self._state.close()
