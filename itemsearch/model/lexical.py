"""Lexical sketch: a random projection of a title's character n-grams.

WordPiece and mean pooling blur model numbers and sizes. A sketch is a random projection
(Johnson-Lindenstrauss) of a title's hashed, weighted n-grams: the inner product of two sketches approximates
the cosine of two TF-IDF vectors.

Shapes: B titles, N n-grams of the longest title, K buckets, L size of a sketch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.ngrams import hash_ngrams, inverse_document_frequency

IDF_POWER = 1.5
"""Exponent of the inverse document frequency. Above 1, a model number outweighs a brand."""


def pad_ngrams(titles: Sequence[str]) -> Tensor:
    """(B, N) int64: the n-gram hashes of each title, padded with 0."""
    hashes_by_title = [hash_ngrams(title) for title in titles]
    padded = torch.zeros((len(titles), max(map(len, hashes_by_title), default=0)), dtype=torch.int64)
    for row, hashes in enumerate(hashes_by_title):
        padded[row, : len(hashes)] = torch.tensor(hashes, dtype=torch.int64)
    return padded


class LexicalSketch(nn.Module):
    """Random projection of a title's weighted n-grams, L2-normalised.

    signs: (K, L / 8) uint8, a random sign a bit; drawn once and saved with the model's weights.
    weights: (K,) float32, the weight of each bucket; fitted to titles, 0 for bucket 0, which means no n-gram.
    """

    signs: Tensor
    weights: Tensor

    def __init__(self, buckets: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("signs", torch.zeros((buckets, dim // 8), dtype=torch.uint8))
        self.register_buffer("weights", torch.ones(buckets))

    @torch.no_grad()
    def draw(self, seed: int) -> None:
        """Draws the projection's signs."""
        random_bytes = np.random.default_rng(seed).bytes(self.signs.numel())
        signs = torch.frombuffer(bytearray(random_bytes), dtype=torch.uint8)
        self.signs.copy_(signs.view(self.signs.shape))  # (K * L / 8,) -> (K, L / 8)
        self.weights[0] = 0

    @torch.no_grad()
    def fit(self, titles: Iterable[str]) -> None:
        """Weights each bucket by its inverse document frequency among `titles`."""
        frequency = inverse_document_frequency(titles, len(self.weights))
        self.weights.copy_(torch.from_numpy(frequency**IDF_POWER))

    def forward(self, ngrams: Tensor) -> Tensor:
        """(B, N) hashes, 0 for none -> (B, L) float32; zero for a title without n-grams."""
        buckets = torch.where(ngrams > 0, 1 + ngrams % (len(self.weights) - 1), 0)
        bits = torch.arange(8, device=ngrams.device)
        # Unpack bits to signs: (B, N, L / 8) -> (B, N, L / 8, 8), each -1 or 1
        signs = (self.signs[buckets][..., None] >> bits & 1).float() * 2 - 1
        weighted = (
            signs.flatten(2) * self.weights[buckets].float()[..., None]
        )  # (B, N, L / 8, 8) -> (B, N, L)
        return F.normalize(weighted.sum(dim=1), dim=-1)  # (B, N, L) -> (B, L)
