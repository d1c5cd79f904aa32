"""Where the bytes of a table come from."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one table, decompressed; they can be read from the start any number of times.

    path: the file, from whose folder the paths of pictures start.
    """

    path: Path

    def __str__(self) -> str:
        """The name for messages."""
        return str(self.path)

    @property
    def short_name(self) -> str:
        """The name for the place of a row, as in "shop.csv line 7"."""
        return self.path.name

    def open(self) -> BufferedReader | gzip.GzipFile:
        """Opens the bytes for reading.

        Raises:
            OSError: the file cannot be opened.
        """
        file = self.path.open("rb")
        if file.peek(2)[:2] == _GZIP_MAGIC:
            file.close()
            return gzip.open(self.path)
        return file
