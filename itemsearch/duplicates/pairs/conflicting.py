"""Finds which of many pairs of listings conflict, as `find_conflicts` does of two.

Each listing is read once, into a few numbers. Three listings and what they say, their numbers in brackets:

    0   "Mug red 300 ml"     colour (0): red (0)      volume (1): 300 (1)
    1   "Mug red 500 ml"     colour (0): red (0)      volume (1): 500 (2)
    2   "Mug blue"           colour (0): blue (3)

    pair   shared keys        unlike     conflict
    0-1    colour, volume     1 and 2    500 is not nearly 300
    0-2    colour             0 and 3    two words

Only what both speak of is compared, and only where they say it in unlike words. Suffixes and parts depend on
the other words of both titles too: these few pairs are read in full.
"""

from __future__ import annotations

from array import array

import numpy as np
import pyarrow as pa

from itemsearch.attributes.conflicts import ROUNDED, contradict, find_conflicts
from itemsearch.attributes.reading import Attributes
from itemsearch.attributes.text import Value
from itemsearch.duplicates.pairs.variants import AttributeReader
from itemsearch.indexes.arrays import Doubles, Ints, Mask, Rows, unique

BLOCK_LISTINGS = 8192
UNREAD = -1
AMOUNT, WORD, SUFFIX, OTHER = range(4)
"""Kinds of sayings: one amount, which conflicts with another that is not nearly it; one word, which conflicts
with every other; those of suffixes; and models, parts and what names several values."""


class ConflictFinder:
    """What N listings say, read when a pair first needs it: about 60 bytes a listing, and every different
    saying once.

    starts, counts: (N,) where a listing's entries are, ascending by key. keys, sayings: of the entries; a key
    is a rule and dimension, a saying the values of a key. kinds, amounts: of the sayings.
    """

    def __init__(self, reader: AttributeReader) -> None:
        total = reader.listings.num_rows
        self.reader = reader
        self.starts = np.full(total, UNREAD, np.int64)
        self.counts = np.zeros(total, np.int32)
        self.has_part = np.zeros(total, bool)
        self.keys, self.sayings = array("i"), array("i")
        self.kinds, self.amounts = array("b"), array("d")
        self._numbers: dict[tuple[str, str], int] = {}
        self._keys: list[tuple[str, str]] = []
        self._said: dict[tuple[int, tuple[Value, ...]], int] = {}
        self._sayings: list[tuple[int, tuple[Value, ...]]] = []

    def find(self, a: Rows, b: Rows) -> Mask:
        """(P,) whether the listings of (P,) pairs of rows conflict."""
        self._read(unique(np.concatenate([a, b])))
        found = np.zeros(len(a), bool)
        pair, one, other = self._unlike(a, b)
        kinds, amounts = np.asarray(self.kinds), np.asarray(self.amounts)
        alike_kinds = np.where(kinds[one] == kinds[other], kinds[one], OTHER)
        far = (alike_kinds == AMOUNT) & _far(amounts[one], amounts[other])
        found[pair[far | (alike_kinds == WORD)]] = True
        for place in np.flatnonzero((alike_kinds == OTHER) & ~found[pair]).tolist():
            found[pair[place]] |= self._contradict(int(one[place]), int(other[place]))
        partly = self.has_part[a] | self.has_part[b]
        partly[pair[alike_kinds == SUFFIX]] = True
        self._read_in_full(a, b, np.flatnonzero(partly & ~found), found)
        return found

    def _unlike(self, a: Rows, b: Rows) -> tuple[Ints, Ints, Ints]:
        """(S,) pairs, and (S,) and (S,) the unlike sayings of their shared keys."""
        keys, sayings = np.asarray(self.keys), np.asarray(self.sayings)
        one, pair = self._entries(a)
        other, pair_of_other = self._entries(b)
        size = max(len(self._keys), 1)
        wanted, there = pair * size + keys[one], pair_of_other * size + keys[other]
        if not len(there):
            return there, there, there
        place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
        first, second = sayings[one], sayings[other[place]]
        unlike = (there[place] == wanted) & (first != second)
        return pair[unlike], first[unlike].astype(np.int64), second[unlike].astype(np.int64)

    def _entries(self, rows: Rows) -> tuple[Ints, Ints]:
        """(E,) the entries of (P,) rows, one row after the other, and (E,) the place of each one's row."""
        counts = self.counts[rows].astype(np.int64)
        place = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.starts[rows][place] + within, place

    def _contradict(self, one: int, other: int) -> bool:
        key, values = self._sayings[one]
        rule = self._keys[key][0]
        return rule != "part" and contradict(rule, values, self._sayings[other][1])

    def _read_in_full(self, a: Rows, b: Rows, places: Ints, found: Mask) -> None:
        for start in range(0, len(places), BLOCK_LISTINGS):
            block = places[start : start + BLOCK_LISTINGS]
            sides = (self.reader.read(pa.chunked_array([side[block]])) for side in (a, b))
            found[block] = [bool(find_conflicts(*pair)) for pair in zip(*sides, strict=True)]

    def _read(self, rows: Rows) -> None:
        unread = rows[self.starts[rows] == UNREAD]
        for start in range(0, len(unread), BLOCK_LISTINGS):
            block = unread[start : start + BLOCK_LISTINGS]
            read = self.reader.read(pa.chunked_array([block]))
            for row, attributes in zip(block.tolist(), read, strict=True):
                self._keep(row, attributes)

    def _keep(self, row: int, attributes: Attributes) -> None:
        self.starts[row] = len(self.keys)
        self.has_part[row] = attributes.has_part
        said = sorted((self._number(key), tuple(values)) for key, values in attributes.values.items())
        self.counts[row] = len(said)
        for key, values in said:
            self.keys.append(key)
            self.sayings.append(self._saying(key, values))

    def _number(self, key: tuple[str, str]) -> int:
        number = self._numbers.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        return number

    def _saying(self, key: int, values: tuple[Value, ...]) -> int:
        number = self._said.setdefault((key, values), len(self._sayings))
        if number == len(self._sayings):
            self._sayings.append((key, values))
            kind = _kind(self._keys[key][0], values)
            self.kinds.append(kind)
            self.amounts.append(float(values[0]) if kind == AMOUNT else 0.0)
        return number


def _kind(rule: str, values: tuple[Value, ...]) -> int:
    if rule == "suffix":
        return SUFFIX
    if len(values) > 1 or rule in ("model", "part"):
        return OTHER
    return AMOUNT if isinstance(values[0], float) else WORD


def _far(one: Doubles, other: Doubles) -> Mask:
    """Whether two amounts are not nearly one."""
    far: Mask = np.abs(one - other) > ROUNDED * np.maximum(np.abs(one), np.abs(other))
    return far
