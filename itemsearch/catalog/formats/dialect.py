"""How a delimited file is written, as far as its records are concerned."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_CELL_CHARS = 2**20
"""A longer cell is a quote that was never closed rather than text."""

_WORD, _DIGIT = re.compile(r"[^\W_]+"), re.compile(r"\d")
_MOST_REPEATED = 0.05
"""Share of rows, or two of them, that may repeat another's id: an export repeats a few. A guess."""
_MANY_CELLS = 5
"""A line of prose hardly ever has so many, and just as many as the header. A guess."""
_REPEATED = re.compile(r"(.{1,3}?)\1+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the records of a delimited file are written.

    Attributes:
        delimiter: the character between cells.
        quote: the character around quoted cells; "" where quotes are characters like any other.
        backslash: whether a backslash takes the special meaning from the character after it.
        spaced: whether spaces after a delimiter are no part of the cell.
        comment: a line that begins with it is no record; "" for none.
    """

    delimiter: str = ","
    quote: str = '"'
    backslash: bool = False
    spaced: bool = False
    comment: str = ""

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The records of lines, [] for a blank one; raises `csv.Error` where a quote is out of place."""
        # The module's limit is the process's: ours is above its default, so nobody loses by it.
        csv.field_size_limit(MAX_CELL_CHARS)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar="\\" if self.backslash else None,
            skipinitialspace=self.spaced,
            strict=bool(self.quote),
        )

    def parse_alone(self, line: str) -> list[str]:
        """The cells of a line that is a record by itself; [] if it is none."""
        try:
            records = list(self.reader([line]))
        except csv.Error:
            return []
        return records[0] if len(records) == 1 else []


@dataclass(frozen=True, slots=True)
class RecordShape:
    """What the records of one file have in common, by which a line within a quoted cell is told for a record.

    Attributes:
        width: cells of the header.
        key: the column that tells records apart, such as the id; -1 where none does.
        keys: shapes of its cells, as `cell_shape` gives them.
        spaces: whether cells begin with a space, as prose after a comma does.
    """

    width: int
    key: int = 0
    keys: frozenset[str] = frozenset()
    spaces: bool = False

    @classmethod
    def of(cls, width: int, records: Sequence[Sequence[str]]) -> RecordShape:
        """The shape of records of which each is on one line.

        The key is, of the columns that are filled and differ in nearly all of them, one without spaces, and
        of those the one that looks most alike everywhere.
        """
        rows = [cells for cells in records if len(cells) == width]
        if not rows:
            return cls(width)
        columns = list(zip(*rows, strict=True))
        shapes = [frozenset(map(cell_shape, column)) for column in columns]
        distinct = [len({*column} - {""}) for column in columns]
        enough = len(rows) - max(2, _MOST_REPEATED * len(rows))
        telling = [i for i, count in enumerate(distinct) if count and count >= enough]
        spaced = [any(" " in shape for shape in each) for each in shapes]
        key = min(telling, key=lambda i: (spaced[i], len(shapes[i]), -distinct[i]), default=-1)
        spaces = any(cell.startswith(" ") for column in columns[1:] for cell in column)
        return cls(width, key, shapes[key] if telling else frozenset(), spaces)

    def fits(self, cells: Sequence[str], around: Sequence[str]) -> bool:
        """Whether cells look like a record. around: the cells of the record that they stand in."""
        if (
            not cells
            or len(cells) != self.width
            or (not self.spaces and any(cell.startswith(" ") for cell in cells[1:]))
        ):
            return False
        if self.key < 0:
            return self.width >= _MANY_CELLS
        shape = cell_shape(cells[self.key])
        own = around[self.key] if self.key < len(around) else ""
        return bool(shape) and (shape in self.keys or shape == cell_shape(own))


def cell_shape(cell: str) -> str:
    """What a cell looks like: "AB-12/7" and "x-3B/10" are both "a-9/9", "desk-lamp-red" is "a-a"."""
    words = _WORD.sub(lambda word: "9" if _DIGIT.search(word[0]) else "a", cell[:100].strip())
    return _REPEATED.sub(r"\1", words)
