"""Decodes the values of a JSON text piece by piece, as the text is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import TextIOWrapper

from itemsearch.catalog.formats.encoding import MAX_LINE_CHARS
from itemsearch.catalog.formats.json_values import DECODER

Path = tuple[str, ...]
"""The keys that lead to a value."""

MAX_DEPTH = 3
"""Arrays within more objects than these are read whole, as parts of what they are in."""

_LONGEST_TOKEN = 16
"""A decoder that stops this near to the end may have met half a token."""


class JsonReader:
    """Decodes the values of a JSON text piece by piece.

    Attributes:
        keys: those of the objects whose members were read, not those within them.
        arrays: the paths of the arrays that were met, the empty ones too.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._decoded = 0
        self.keys: dict[str, None] = {}
        self.arrays: dict[Path, None] = {}

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._at < len(self._buffer):
                if not (char := self._buffer[self._at]).isspace():
                    return char
                self._at += 1
            if not self._fill():
                return ""

    def value(self) -> object:
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                whole = error.pos < len(self._buffer) - _LONGEST_TOKEN and "Unterminated" not in error.msg
                if whole or not self._fill():
                    raise ValueError(f"not JSON: {error.msg} past value {self._decoded:,}") from error
                continue
            if end < len(self._buffer) or not self._fill():  # a number at the end may go on
                self._at = end
                self._decoded += 1
                return value

    def values(self) -> Iterator[object]:
        """Yields the values that follow one another up to the end."""
        while self.peek():
            yield self.value()

    def array(self) -> Iterator[object]:
        """Yields the values of the array that comes next."""
        return (self.value() for _ in self._parts("[", "]"))

    def members(self, path: Path = ()) -> Iterator[tuple[Path, object]]:
        """Yields the values of every array in the object that comes next, with the array's path."""
        for _ in self._parts("{", "}"):
            key = str(self.value())
            self._expect(":")
            here = (*path, key)
            if not path:
                self.keys[key] = None
            match self.peek():
                case "[":
                    self.arrays[here] = None
                    yield from ((here, value) for value in self.array())
                case "{" if len(here) < MAX_DEPTH:
                    yield from self.members(here)
                case _:
                    self.value()

    def _parts(self, start: str, end: str) -> Iterator[None]:
        """Stops at each part between two brackets, which the caller is to read."""
        self._expect(start)
        if self.peek() == end:
            self._at += 1
            return
        while True:
            yield
            if self.peek() == end:
                self._at += 1
                return
            self._expect(",")

    def _expect(self, char: str) -> None:
        if self.peek() != char:
            what = repr(self.peek()) if self.peek() else "the end"
            raise ValueError(f"not JSON: {what} where {char!r} should be, past value {self._decoded:,}")
        self._at += 1

    def _fill(self) -> bool:
        """Reads more; False at the end."""
        left = self._buffer[self._at :]
        if len(left) > MAX_LINE_CHARS:
            raise ValueError(f"a value of over {MAX_LINE_CHARS:,} characters, past value {self._decoded:,}")
        more = self._text.read(max(2**18, len(left)))
        self._buffer, self._at = left + more, 0
        return bool(more)
