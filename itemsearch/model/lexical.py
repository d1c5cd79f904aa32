"""The sketch of a title: its character n-grams in as few numbers as an index can carry.

WordPiece and mean pooling blur model numbers and sizes. A sketch is a random projection
(Johnson-Lindenstrauss) of a title's hashed, weighted n-grams: the inner product of two of them is near the
cosine of two TF-IDF vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.ngrams import hash_ngrams, inverse_document_frequency

IDF_POWER = 1.5
"""Above 1, rare n-grams count for more than in TF-IDF: a model number outweighs a brand."""


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
        """Weights each bucket by how few of `titles` it is in."""
        frequency = inverse_document_frequency(titles, len(self.weights))
        self.weights.copy_(torch.from_numpy(frequency**IDF_POWER))

    def forward(self, ngrams: Tensor) -> Tensor:
        """(B, N) hashes, 0 for none -> (B, dim); a title without n-grams is zero."""
        buckets = torch.where(ngrams > 0, 1 + ngrams % (len(self.weights) - 1), 0)
        bits = torch.arange(8, device=ngrams.device)
        signs = (self.signs[buckets][..., None] >> bits & 1).float() * 2 - 1  # (B, N, dim / 8, 8)
        weighted = signs.flatten(2) * self.weights[buckets].float()[..., None]  # -> (B, N, dim)
        return F.normalize(weighted.sum(dim=1), dim=-1)
