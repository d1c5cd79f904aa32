"""Character n-grams of a title: model numbers and sizes, which word pieces and mean pooling blur.

A title's sketch is a random projection (Johnson-Lindenstrauss) of its hashed, weighted n-grams: the inner
product of two sketches is near the cosine of their TF-IDF vectors, in as few numbers as an index can carry.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRAM_LENGTHS = (3, 4)
MAX_CHARACTERS = 512
IDF_POWER = 1.5
"""Above 1, rare n-grams count for more than in TF-IDF: a model number outweighs a brand."""

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


def pad_ngrams(titles: Sequence[str]) -> Tensor:
    """(B, N) int64: each title's n-gram hashes, 0 where there are no more."""
    hashed = [hash_ngrams(title) for title in titles]
    padded = torch.zeros((len(titles), max(map(len, hashed), default=0)), dtype=torch.int64)
    for row, hashes in enumerate(hashed):
        padded[row, : len(hashes)] = torch.tensor(hashes, dtype=torch.int64)
    return padded


class LexicalSketch(nn.Module):
    """Hashed n-grams -> the random projection of their weighted sum, as a vector of length 1.

    The projection is fixed and part of the weights; only the buckets' weights are fitted, to titles.
    """

    signs: Tensor
    weights: Tensor

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        # (buckets, dim / 8): a bit a sign, bucket 0 standing for no n-gram.
        self.register_buffer("signs", torch.zeros((buckets, dim // 8), dtype=torch.uint8))
        self.register_buffer("weights", torch.ones(buckets))

    @torch.no_grad()
    def draw(self, seed: int) -> None:
        """Draws the projection."""
        drawn = np.random.default_rng(seed).bytes(self.signs.numel())
        self.signs.copy_(torch.frombuffer(bytearray(drawn), dtype=torch.uint8).view(self.signs.shape))
        self.weights[0] = 0

    @torch.no_grad()
    def fit(self, titles: Iterable[str]) -> None:
        """Weights each bucket by how few of `titles` it is in: smoothed inverse document frequency."""
        counts = np.zeros(len(self.weights))
        total = 0
        for title in titles:
            hashes = np.array(hash_ngrams(title), np.int64)
            counts[np.unique(1 + hashes % (len(counts) - 1))] += 1
            total += 1
        idf = (np.log((1 + total) / (1 + counts)) + 1) ** IDF_POWER
        self.weights.copy_(torch.from_numpy(idf))
        self.weights[0] = 0

    def forward(self, ngrams: Tensor) -> Tensor:
        """(B, N) hashes, 0 for none -> (B, dim); a title without n-grams is zero."""
        buckets = torch.where(ngrams > 0, 1 + ngrams % (len(self.weights) - 1), 0)
        bits = torch.arange(8, device=ngrams.device)
        signs = (self.signs[buckets][..., None] >> bits & 1).float() * 2 - 1  # (B, N, dim / 8, 8)
        weighted = signs.flatten(2) * self.weights[buckets].float()[..., None]  # -> (B, N, dim)
        return F.normalize(weighted.sum(dim=1), dim=-1)
