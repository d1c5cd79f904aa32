"""Relisting contrast: two listings of one product, told apart from the other products of the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relisting_loss(first: Tensor, second: Tensor, eligible: Tensor, temperature: float) -> Tensor:
    """InfoNCE in both directions (arXiv 1807.03748; symmetric as in CLIP, arXiv 2103.00020, figure 3).

    Args:
        first, second: (B, E), L2-normalised; row i of both is one product.
        eligible: (B,) bool, rows whose first listing shows the product's own picture.
    """
    first, second = first[eligible], second[eligible]
    similarity = first @ second.T / temperature  # (N, N)
    same = torch.arange(len(first), device=first.device)
    if not len(first):
        return similarity.sum()
    return (F.cross_entropy(similarity, same) + F.cross_entropy(similarity.T, same)) / 2
