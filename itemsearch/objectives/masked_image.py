"""Masked image modelling (MIM): predicts a hidden patch's features from the patch's own state.

Shapes: B listings, P patches, N hidden patches, D hidden size, F features of a patch.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform


class MaskedImage(nn.Module):
    """Predicts the features of hidden patches."""

    def __init__(self, dim: int, feature_dim: int) -> None:
        super().__init__()
        self.predict = nn.Sequential(Transform(dim, dim), nn.Linear(dim, feature_dim))

    def forward(self, patches: Tensor, features: Tensor, hidden: Tensor) -> Tensor:
        """The `patch_distance` between predicted and true patches, a scalar.

        Args:
            patches: (B, P, D) states of the patches.
            features: (B, P, F) features of the patches before the stream.
            hidden: (B, P) bool, the patches to predict.
        """
        predicted = self.predict(patches[hidden])  # (B, P, D) -> (N, D) -> (N, F)
        return patch_distance(predicted, features[hidden])


def patch_distance(predicted: Tensor, features: Tensor) -> Tensor:
    """Mean squared error of (N, F) predictions to the patches' features, a scalar; 0 for N = 0.

    Each patch's features are normalised to mean 0 and variance 1 first, as in MAE (arXiv 2111.06377, 4).
    """
    target = F.layer_norm(features.detach().float(), features.shape[-1:])
    return F.mse_loss(predicted.float(), target, reduction="sum") / max(target.numel(), 1)
