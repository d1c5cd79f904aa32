"""The layers and the mean that the prediction heads share.

Shapes: N predictions, D hidden size.
"""

from __future__ import annotations

from torch import Tensor, nn


class Transform(nn.Sequential):
    """(N, inputs) -> (N, D): the dense layer, GELU and layer norm of BERT's prediction head."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__(nn.Linear(inputs, dim), nn.GELU(), nn.LayerNorm(dim))


def mean_or_zero(losses: Tensor) -> Tensor:
    """The mean of (N,) losses; for N = 0 a zero that is still connected to the graph."""
    return losses.sum() / max(losses.numel(), 1)
