"""Where the bytes of a table come from."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile

from itemsearch.catalog.formats.compression import decompress
from itemsearch.errors import CatalogError

STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one table, decompressed; they can be read from the start any number of times.

    path: the file, from whose folder the paths of pictures start.
    member: the file's name in the zip archive at `path`; "" where that is none.
    archive: the zip archive that holds the bytes of `member`.
    stored: the file that holds the bytes, where that is neither `path` nor in an archive.
    keys: columns that folders called "key=value" give to all rows; None for a value that is missing.
    packing: how the bytes are packed, such as "zip, gzip"; "" where they are not.
    """

    path: Path
    member: str = ""
    archive: Path | None = None
    stored: Path | None = None
    keys: Mapping[str, str | None] = field(default_factory=dict)
    packing: str = ""

    def __str__(self) -> str:
        """The name for messages."""
        name = "standard input" if self.path == STANDARD_INPUT else str(self.path)
        return f"{name}/{self.member}" if self.member else name

    @property
    def short_name(self) -> str:
        """The name for the place of a row, as in "shop.csv line 7"."""
        return PurePosixPath(self.member or str(self)).name

    @property
    def file(self) -> Path:
        """The file that holds the bytes, packed or not; not of a member of an archive."""
        return self.stored or self.path

    def open(self) -> BufferedReader:
        """Opens the decompressed bytes for reading.

        Raises:
            OSError: they cannot be read; also later, at damage or a decompression bomb.
        """
        stream, _ = self._decompress()
        return stream

    def opened(self) -> Source:
        """This source with its packing told from its bytes.

        Raises:
            OSError: as `open`.
        """
        stream, codecs = self._decompress()
        stream.close()
        return replace(self, packing=", ".join(["zip"] * bool(self.member) + codecs))

    def local(self) -> Source:
        """This source with its bytes decompressed in a file, for readers that need to jump in it.

        Raises:
            CatalogError: the bytes cannot be read, or the temporary folder cannot take them.
        """
        try:
            stream, codecs = self._decompress()
            with stream:
                if self.archive is None and not codecs:
                    return self
                return replace(self, archive=None, stored=_spool(stream))
        except OSError as error:
            raise CatalogError(f"{self}: cannot be read: {error}") from error

    def _decompress(self) -> tuple[BufferedReader, list[str]]:
        if self.archive is None:
            return decompress(self.file.open("rb"), self.file.stat().st_size)
        try:
            with ZipFile(self.archive) as archive:
                info = archive.getinfo(self.member)
                return decompress(archive.open(info), info.compress_size)
        except (BadZipFile, RuntimeError) as error:  # a RuntimeError is a password or an unknown method
            raise OSError(str(error)) from error


@cache
def standard_input() -> Source:
    """What is piped in, kept in a temporary file until the process ends, since catalogs are read twice.

    Raises:
        CatalogError: nothing is piped in, or the temporary folder cannot take it.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise CatalogError("-: nothing is piped in: itemsearch check - < shop.csv")
    try:
        return Source(STANDARD_INPUT, stored=_spool(sys.stdin.buffer))
    except OSError as error:
        raise CatalogError(f"standard input: cannot be kept in {tempfile.gettempdir()}: {error}") from error


def _spool(stream: IO[bytes]) -> Path:
    descriptor, name = tempfile.mkstemp(dir=_spool_folder())
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    return Path(name)


@cache
def _spool_folder() -> str:
    folder = tempfile.mkdtemp(prefix="itemsearch-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
