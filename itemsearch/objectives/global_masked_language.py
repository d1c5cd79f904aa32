"""Global masked language modelling: the hidden word from the global state and the masked position alone.

The word's own state takes no part, so that what the title says must reach the embedding (ITEm,
arXiv 2311.02084).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform, mean_or_zero
from itemsearch.objectives.masking import IGNORED


class GlobalMaskedLanguage(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform = Transform(2 * dim, dim)

    def forward(self, global_state: Tensor, positions: Tensor, labels: Tensor, decode: nn.Module) -> Tensor:
        """Cross-entropy over the vocabulary.

        Args:
            global_state: (B, D).
            positions: (T - 1, D) position embeddings of the title's places after [CLS].
            labels: (B, T - 1) the true word where one was hidden, `IGNORED` elsewhere.
            decode: (N, D) -> (N, V), tied to the input word embeddings.
        """
        product, place = torch.nonzero(labels != IGNORED, as_tuple=True)  # (N,), (N,)
        asked = torch.cat((global_state[product], positions[place]), dim=-1)  # (N, 2D)
        logits = decode(self.transform(asked))  # (N, 2D) -> (N, D) -> (N, V)
        return mean_or_zero(F.cross_entropy(logits.float(), labels[product, place], reduction="none"))
