"""Relisting contrast: a contrastive loss between two listings of each product of a batch.

Shapes: B products, N eligible products, E embedding size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relisting_loss(first: Tensor, second: Tensor, eligible: Tensor, temperature: float) -> Tensor:
    """InfoNCE in both directions, a scalar (arXiv 1807.03748; as in CLIP, arXiv 2103.00020, figure 3).

    The positive of row i of `first` is row i of `second`; all other rows are its negatives.

    Args:
        first, second: (B, E) L2-normalised embeddings; row i of both is the same product.
        eligible: (B,) bool, rows whose first listing shows the product's own picture.
    """
    first, second = first[eligible], second[eligible]  # (B, E) -> (N, E)
    similarity = first @ second.T / temperature  # (N, N)
    if not len(first):
        return similarity.sum()
    positives = torch.arange(len(first), device=first.device)
    return (F.cross_entropy(similarity, positives) + F.cross_entropy(similarity.T, positives)) / 2
