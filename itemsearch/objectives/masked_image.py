"""Masked image modelling (MIM): the hidden patch's features from its own patch's state."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform


class MaskedImage(nn.Module):
    def __init__(self, dim: int, feature_dim: int) -> None:
        super().__init__()
        self.predict = nn.Sequential(Transform(dim, dim), nn.Linear(dim, feature_dim))

    def forward(self, patches: Tensor, features: Tensor, hidden: Tensor) -> Tensor:
        """How far the predicted patches are from the true ones.

        Args:
            patches: (B, P, D) states of the patches.
            features: (B, P, F) the patches before the stream.
            hidden: (B, P) bool, the patches to predict.
        """
        return patch_distance(self.predict(patches[hidden]), features[hidden])  # (N, D) -> (N, F)


def patch_distance(predicted: Tensor, features: Tensor) -> Tensor:
    """Mean squared error of (N, F) to each patch's own normalised features (as MAE, arXiv 2111.06377, 4)."""
    target = F.layer_norm(features.detach().float(), features.shape[-1:])
    return F.mse_loss(predicted.float(), target, reduction="sum") / max(target.numel(), 1)
