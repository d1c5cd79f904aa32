"""What the prediction heads have in common."""

from __future__ import annotations

from torch import Tensor, nn


class Transform(nn.Sequential):
    """(N, inputs) -> (N, D): BERT's dense layer, GELU and norm before a prediction."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__(nn.Linear(inputs, dim), nn.GELU(), nn.LayerNorm(dim))


def mean_or_zero(losses: Tensor) -> Tensor:
    """The mean of (N,) losses; a zero that still has a gradient where nothing was to be predicted."""
    return losses.sum() / max(losses.numel(), 1)
