"""Global masked language modelling: predicts a hidden word from the global state and the word's position.

The word's own state is not used, so the global state has to encode the title (ITEm, arXiv 2311.02084).

Shapes: B listings, T title tokens ([CLS] and [SEP] included), N hidden words, D hidden size, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform, mean_or_zero
from itemsearch.objectives.masking import IGNORED


class GlobalMaskedLanguage(nn.Module):
    """Predicts hidden words."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform = Transform(2 * dim, dim)

    def forward(self, global_state: Tensor, positions: Tensor, labels: Tensor, decode: nn.Module) -> Tensor:
        """Mean cross-entropy over the vocabulary, a scalar.

        Args:
            global_state: (B, D) state of [CLS].
            positions: (T - 1, D) embeddings of the title's positions after [CLS].
            labels: (B, T - 1) int64 token ids of hidden words, `IGNORED` elsewhere.
            decode: (N, D) states -> (N, V) logits, tied to the input word embeddings.
        """
        listing, position = torch.nonzero(labels != IGNORED, as_tuple=True)  # (N,), (N,)
        inputs = torch.cat((global_state[listing], positions[position]), dim=-1)  # (N, 2D)
        logits = decode(self.transform(inputs))  # (N, 2D) -> (N, D) -> (N, V)
        return mean_or_zero(F.cross_entropy(logits.float(), labels[listing, position], reduction="none"))
