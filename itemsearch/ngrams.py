"""Character n-grams of titles, which distinguish model numbers and sizes ("MQ8N2B/A", "64GB").

Four titles, and which of the n-grams of length 3 in "64gb red" each contains (a hash stands for each n-gram,
and `ngram_buckets` folds the hashes into a fixed number of buckets):

    title       " 64"  "64g"  "4gb"  "gb "  " re"  "red"  "ed "
    "64 GB"       1      1      1      1      0      0      0
    "64gb Red"    1      1      1      1      1      1      1
    "32GB red"    0      0      0      1      1      1      1
    "RED"         0      0      0      0      1      1      1
    titles        2      2      2      3      3      3      3

`inverse_document_frequency` is log((1 + 4) / (1 + titles)) + 1 of the last row: 1.51 for " 64" and 1.22 for
"red", so a rare n-gram weighs more than a common one.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import unique

GRAM_LENGTHS = (3, 4)
MAX_CHARACTERS = 512
NGRAM_BUCKETS = 32_768
"""Number of buckets that the n-gram evidence of a ranking hashes n-grams into."""
CACHED_WORDS = 20_000
BLOCK_TITLES = 8192

_SEPARATORS = re.compile(r"[\W_]+")
_SPACE_BEFORE_UNIT = re.compile(
    r"(?<=\d) (?=(?:gb|tb|mb|mm|cm|m|kg|g|ml|cl|l|kw|w|v|hz|ghz|mhz|mp|mah|rpm|inch|in|k|oz|lb|ft)\b)"
)


def hash_ngrams(title: str) -> list[int]:
    """Hashes, from 1 to 2^31, of the distinct character n-grams of a title's words, in order of the n-grams.

    Each word is padded with a space at both ends. Case, accents and punctuation are dropped, "64 GB" is read
    as "64gb", and only the first `MAX_CHARACTERS` characters are read.
    """
    hashes: dict[str, int] = {}
    for word in _words(title):
        hashes |= _of_word(word)
    return [hashes[ngram] for ngram in sorted(hashes)]


def ngram_buckets(title: str, buckets: int) -> npt.NDArray[np.int64]:
    """(N,) int64, sorted: the distinct buckets, from 1 to `buckets` - 1, of a title's n-grams."""
    return ngram_buckets_of([title], buckets)[0]


def ngram_buckets_of(
    titles: Sequence[str], buckets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """As `ngram_buckets` of T titles, one after the other, and (T,) int64 how many each has."""
    hashes: list[int] = []
    ends = [0]
    for title in titles:
        for word in _words(title):
            hashes += _of_word(word).values()
        ends.append(len(hashes))
    title_of = np.repeat(np.arange(len(titles)), np.diff(ends))
    keys = unique(title_of * buckets + 1 + np.array(hashes, np.int64) % (buckets - 1))
    return keys % buckets, np.bincount(keys // buckets, minlength=len(titles))


def inverse_document_frequency(titles: Iterable[str], buckets: int) -> npt.NDArray[np.float64]:
    """(buckets,) float64: log((1 + titles) / (1 + titles with the n-gram)) + 1, smoothed as in scikit-learn.

    Bucket 0 stands for no n-gram; its value is 0.
    """
    titles_with_bucket = np.zeros(buckets)
    title_count = 0
    unread = iter(titles)
    while block := list(itertools.islice(unread, BLOCK_TITLES)):
        titles_with_bucket += np.bincount(ngram_buckets_of(block, buckets)[0], minlength=buckets)
        title_count += len(block)
    frequency = np.log((1 + title_count) / (1 + titles_with_bucket)) + 1
    frequency[0] = 0
    return frequency


def _words(title: str) -> list[str]:
    start = title[:MAX_CHARACTERS].lower()
    if not start.isascii():
        decomposed = unicodedata.normalize("NFKD", start)
        start = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _SPACE_BEFORE_UNIT.sub("", _SEPARATORS.sub(" ", start)).split()


@lru_cache(CACHED_WORDS)
def _of_word(word: str) -> dict[str, int]:
    """The n-grams of a word, and their hashes."""
    padded = f" {word} "
    ngrams = [
        padded[start : start + length]
        for length in GRAM_LENGTHS
        for start in range(max(1, len(padded) - length + 1))
    ]
    return {ngram: 1 + zlib.crc32(ngram.encode()) % (2**31) for ngram in ngrams}
