"""Notices that a later run, or another version of the index, lies beneath an open session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from itemsearch.duplicates.run_folder import RUN
from itemsearch.indexes.errors import VectorIndexError
from itemsearch.indexes.storage.versions import CURRENT, read_pointer


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a session shows. run: tells one run in the folder from another, "" for none. version: of the
    index."""

    run: str
    version: int

    def __str__(self) -> str:
        """In an address or a form."""
        return f"{self.run}-{self.version}"


class Watch:
    """Looks at two files by their times and sizes, and reads the pointer of the index where it changed.

    folder: that was opened, of a run or an index alone. option: the index that was named beside it, None for
    the run's own. index: the folder of the open index. opened: what the session shows.
    """

    def __init__(self, folder: Path, option: Path | None, index: Path, opened: Stamp) -> None:
        self.folder = folder
        self.option = option
        self.index = index
        self.opened = opened
        self._pointer = ("", opened.version)

    def newer(self) -> str:
        """What is there instead of what was opened, as a sentence; "" for nothing."""
        run = mark(self.folder / RUN)
        if run and run != self.opened.run:  # there is none while the next is being written
            return "A newer run of duplicates is here."
        if self._version() != self.opened.version:
            return "Another version of the index is here; duplicates were not looked for in it yet."
        return ""

    def _version(self) -> int:
        """The current version of the index; 0 where it cannot be read: whoever opens it is told why."""
        seen = mark(self.index / CURRENT)
        if seen and seen != self._pointer[0]:
            try:
                # Pruning changes the pointer as well, and not the version.
                self._pointer = (seen, read_pointer(self.index).current)
            except VectorIndexError:
                self._pointer = (seen, 0)
        return self._pointer[1]


def mark(path: Path) -> str:
    """Tells one state of a file from another; "" where there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return ""
    return f"{state.st_mtime_ns:x}.{state.st_size:x}"
