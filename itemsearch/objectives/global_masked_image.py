"""Global masked image modelling: predicts a hidden patch from the global state and the patch's position.

The patch's own state is not used, so the global state has to encode the picture even where the title
dominates (ITEm, arXiv 2311.02084).

Shapes: B listings, P patches, N hidden patches, D hidden size, F features of a patch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from itemsearch.objectives.heads import Transform
from itemsearch.objectives.masked_image import patch_distance


class GlobalMaskedImage(nn.Module):
    """Predicts the features of hidden patches."""

    def __init__(self, dim: int, feature_dim: int) -> None:
        super().__init__()
        self.predict = nn.Sequential(Transform(2 * dim, dim), nn.Linear(dim, feature_dim))

    def forward(self, global_state: Tensor, positions: Tensor, features: Tensor, hidden: Tensor) -> Tensor:
        """The `patch_distance` between predicted and true patches, a scalar.

        Args:
            global_state: (B, D) state of [CLS].
            positions: (P, D) position embeddings of the patches.
            features: (B, P, F) features of the patches before the stream.
            hidden: (B, P) bool, the patches to predict.
        """
        listing, patch = torch.nonzero(hidden, as_tuple=True)  # (N,), (N,)
        inputs = torch.cat((global_state[listing], positions[patch]), dim=-1)  # (N, 2D)
        return patch_distance(self.predict(inputs), features[listing, patch])  # (N, 2D) -> (N, F)
