"""Compares long texts, such as descriptions: the cosine of their words, rare ones weighing more.

Three descriptions, their words by number, ascending:

    "oak table, round"    words [0, 2, 1]
    "round oak table"     words [0, 1, 2]    cosine with the first: 1
    "steel lamp"          words [3, 4]       cosine with the first: 0
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from itemsearch.attributes.vocabulary import fold
from itemsearch.indexes.arrays import Doubles, Ints, Rows

LONG = 6.0
"""Mean words of a cell from which on a column is compared by its words: a guess, more than a name has."""
MOST_WORDS = 128
"""Different ones that are read of a text, from its beginning."""
LEVELS = (0.1, 0.2, 0.35, 0.55)
"""Cosines at which the next level begins. What each level weighs is learnt."""
BLOCK_PAIRS = 16_384

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class LongTexts:
    """The words of N texts.

    keys: (W,) int64, ascending, n * `size` + word for each word of text n. weights: (W,) float64, each text's
    of length 1. offsets: (N + 1,) where each text's words begin.
    """

    size: int
    keys: Ints
    weights: Doubles
    offsets: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Reads texts, "" for none."""
        numbers: dict[str, int] = {}
        keys, lengths = [np.empty(0, np.int64)], np.zeros(len(texts), np.int64)
        for row, text in enumerate(texts):
            words = list(dict.fromkeys(_WORD.findall(fold(text))))[:MOST_WORDS]
            keys.append(np.array(sorted(numbers.setdefault(word, len(numbers)) for word in words), np.int64))
            lengths[row] = len(words)
        words_of = np.concatenate(keys)
        frequency = np.bincount(words_of, minlength=len(numbers))
        weights = np.log((1 + np.count_nonzero(lengths)) / (1 + frequency))[words_of] + 1
        text_of = np.repeat(np.arange(len(texts)), lengths)
        norms = np.sqrt(np.bincount(text_of, weights**2, len(texts)))
        size = max(len(numbers), 1)
        return cls(
            size, text_of * size + words_of, weights / norms[text_of], np.append(0, np.cumsum(lengths))
        )

    def levels(self, a: Rows, b: Rows) -> Ints:
        """(P,) how many of `LEVELS` the cosine of two texts reaches; -1 where either is missing."""
        lengths = np.diff(self.offsets)
        known = np.flatnonzero((lengths[a] > 0) & (lengths[b] > 0))
        levels = np.full(len(a), -1)
        for start in range(0, len(known), BLOCK_PAIRS):
            block = known[start : start + BLOCK_PAIRS]
            cosine = self._cosines(a[block], b[block], lengths)
            levels[block] = np.searchsorted(LEVELS, cosine, side="right")
        return levels

    def _cosines(self, a: Rows, b: Rows, lengths: Ints) -> Doubles:
        """(P,) of texts that have words."""
        # The words of the shorter text are looked up among those of the other.
        a, b = np.where(lengths[a] <= lengths[b], a, b), np.where(lengths[a] <= lengths[b], b, a)
        pair = np.repeat(np.arange(len(a)), lengths[a])
        within = np.arange(len(pair)) - np.repeat(np.cumsum(lengths[a]) - lengths[a], lengths[a])
        place = self.offsets[a][pair] + within
        wanted = self.keys[place] + (b - a)[pair] * self.size
        found = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        product = np.where(self.keys[found] == wanted, self.weights[place] * self.weights[found], 0.0)
        cosines: Doubles = np.bincount(pair, product, len(a)).astype(np.float64)
        return cosines


def is_long(texts: Sequence[str]) -> bool:
    """Whether texts have `LONG` words or more on average, those that are missing left out."""
    counts = [len(text.split()) for text in texts if text]
    return bool(counts) and sum(counts) / len(counts) >= LONG
