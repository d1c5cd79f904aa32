"""Global masked image modelling: the hidden patch from the global state and the masked position alone.

The patch's own state takes no part, so that what the picture shows must reach the embedding, however
much the title dominates (ITEm, arXiv 2311.02084).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from itemsearch.objectives.heads import Transform
from itemsearch.objectives.masked_image import patch_distance


class GlobalMaskedImage(nn.Module):
    def __init__(self, dim: int, feature_dim: int) -> None:
        super().__init__()
        self.predict = nn.Sequential(Transform(2 * dim, dim), nn.Linear(dim, feature_dim))

    def forward(self, global_state: Tensor, positions: Tensor, features: Tensor, hidden: Tensor) -> Tensor:
        """How far the predicted patches are from the true ones.

        Args:
            global_state: (B, D).
            positions: (P, D) position embeddings of the patches.
            features: (B, P, F) the patches before the stream.
            hidden: (B, P) bool, the patches to predict.
        """
        product, place = torch.nonzero(hidden, as_tuple=True)  # (N,), (N,)
        asked = torch.cat((global_state[product], positions[place]), dim=-1)  # (N, 2D)
        return patch_distance(self.predict(asked), features[product, place])  # (N, 2D) -> (N, F)
