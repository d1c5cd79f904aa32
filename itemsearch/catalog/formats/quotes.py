"""Reads the records of delimited lines; a quote that is left open costs its row and not those after it.

A quote that opens by mistake and meets another one later makes one record of all the lines between, and the
file has fewer rows without a word. So a record of several lines is taken for one only if no line after its
first looks like a record by itself: as many cells as the header, in the column of ids a cell that looks like
the others there ("12", "AB-7"), and no later cell that begins with a space, as prose does after a comma. If
one does, the record's first line is refused, and reading goes on at its second.

Where this errs: a quoted cell with lines that are written as records of this very file (the header is id and
text, ids are numbers, and a list of "38,small" stands in the text) is refused line by line. Lines that a
quote swallowed stay within its cell if not one of them is a sound record, or if the file has fewer than five
columns and none of them tells its rows apart.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from itemsearch.catalog.formats.dialect import Dialect, RecordShape

_BLOCK_LINES = 512
_MEND = "--quoting none reads quotes as characters"


class Record(NamedTuple):
    """A record: the number of its first line, from 1, how many it has, and its cells or what is wrong."""

    line: int
    lines: int
    cells: list[str]
    problem: str = ""


def read_records(
    lines: Iterator[str], dialect: Dialect, shape: RecordShape | None = None, skip: int = 0
) -> Iterator[Record]:
    """Yields the records that are neither blank nor comments.

    Args:
        shape: how records look; None for no look at what a quoted cell holds.
        skip: how many lines are left out at the start.
    """
    pending = _Lines(lines)
    pending.take(skip)
    while block := pending.take(_BLOCK_LINES):
        if records := _one_a_line(block, dialect):
            for i, cells in enumerate(records):
                if cells and not (dialect.comment and block[i].startswith(dialect.comment)):
                    yield Record(pending.number - len(block) + i + 1, 1, cells)
        else:
            end = pending.number
            pending.give_back(block)
            yield from _read_slowly(pending, end, dialect, shape)


def _one_a_line(block: list[str], dialect: Dialect) -> list[list[str]]:
    """The records of lines of which each is one; [] if any is not."""
    try:
        records = list(dialect.reader(block))
    except csv.Error:
        return []
    return records if len(records) == len(block) else []


def _read_slowly(pending: _Lines, end: int, dialect: Dialect, shape: RecordShape | None) -> Iterator[Record]:
    """Yields records one by one, up to the first that begins after line `end`."""
    reader = dialect.reader(pending)
    while pending.number < end:
        first = pending.number + 1
        if dialect.comment and pending.skip(dialect.comment):
            continue
        read: list[str] = []
        pending.latest = read
        try:
            cells = next(reader, [])
        except csv.Error as error:
            pending.give_back(read[1:])
            yield Record(first, 1, [], f"not CSV ({error}): is a quote left open, or not doubled? {_MEND}")
            continue
        if len(read) > 1 and shape and (place := _swallowed(read, cells, dialect, shape)):
            pending.give_back(read[1:])
            problem = f"a quoted cell runs on into line {first + place}, which looks like a row of its own"
            yield Record(first, 1, [], f"{problem}: is a quote left open? {_MEND}")
        elif cells:
            yield Record(first, len(read), cells)


def _swallowed(read: list[str], cells: list[str], dialect: Dialect, shape: RecordShape) -> int:
    """The place of the first line after the first that is a record by itself; 0 if none is."""
    for place, line in enumerate(read[1:], 1):
        enough = line.count(dialect.delimiter) >= shape.width - 1
        if enough and shape.fits(dialect.parse_alone(line), cells):
            return place
    return 0


class _Lines(Iterator[str]):
    """The lines of a file, of which some can be given back.

    number: how many were taken. latest: those that were taken one by one.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.number = 0
        self.latest: list[str] = []

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.latest.append(line)
        self.number += 1
        return line

    def take(self, count: int) -> list[str]:
        lines = [self._again.popleft() for _ in range(min(count, len(self._again)))]
        lines += islice(self._lines, count - len(lines))
        self.number += len(lines)
        return lines

    def give_back(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)

    def skip(self, prefix: str) -> bool:
        """Leaves out the next line if it begins with a prefix; whether it did."""
        line = next(self, "")
        if not line or line.startswith(prefix):
            return bool(line)
        self.give_back([line])
        return False
