"""Character n-grams of titles: what tells "MQ8N2B/A" from "MQ8P2B/A" and 64GB from 32GB."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

GRAM_LENGTHS = (3, 4)
MAX_CHARACTERS = 512
NGRAM_BUCKETS = 32_768
"""How many different n-grams, hashed, the evidence tells apart."""

_APART = re.compile(r"[\W_]+")
_UNIT = re.compile(
    r"(?<=\d) (?=(?:gb|tb|mb|mm|cm|m|kg|g|ml|cl|l|kw|w|v|hz|ghz|mhz|mp|mah|rpm|inch|in|k|oz|lb|ft)\b)"
)


def hash_ngrams(title: str) -> list[int]:
    """Hashes above 0 of the different character n-grams within a title's words, spaces at both ends counted.

    Case, accents and punctuation are dropped, and "64 GB" is read as "64gb".
    """
    plain = unicodedata.normalize("NFKD", title[:MAX_CHARACTERS].lower())
    plain = _APART.sub(" ", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    grams: set[str] = set()
    for word in _UNIT.sub("", plain).split():
        padded = f" {word} "
        for length in GRAM_LENGTHS:
            grams.update(padded[start : start + length] for start in range(max(1, len(padded) - length + 1)))
    return [1 + zlib.crc32(gram.encode()) % (2**31) for gram in sorted(grams)]


def ngram_buckets(title: str, buckets: int) -> npt.NDArray[np.int64]:
    """(N,) the different buckets, from 1 to `buckets` - 1, that a title's n-grams fall into."""
    return np.unique(1 + np.array(hash_ngrams(title), np.int64) % (buckets - 1))


def inverse_document_frequency(titles: Iterable[str], buckets: int) -> npt.NDArray[np.float64]:
    """(buckets,) log((1 + titles) / (1 + titles that hold the n-gram)) + 1; bucket 0 stands for no n-gram."""
    counts = np.zeros(buckets)
    total = 0
    for title in titles:
        counts[ngram_buckets(title, buckets)] += 1
        total += 1
    frequency = np.log((1 + total) / (1 + counts)) + 1
    frequency[0] = 0
    return frequency
