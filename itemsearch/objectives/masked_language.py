"""Masked language modelling (MLM): predicts a hidden word from its token's own state (arXiv 1810.04805, 3.1).

Shapes: B listings, T title tokens ([CLS] and [SEP] included), N hidden words, D hidden size, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform, mean_or_zero
from itemsearch.objectives.masking import IGNORED


class MaskedLanguage(nn.Module):
    """Predicts hidden words."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform = Transform(dim, dim)

    def forward(self, tokens: Tensor, labels: Tensor, decode: nn.Module) -> Tensor:
        """Mean cross-entropy over the vocabulary, a scalar.

        Args:
            tokens: (B, T - 1, D) states of the title's tokens after [CLS].
            labels: (B, T - 1) int64 token ids of hidden words, `IGNORED` elsewhere.
            decode: (N, D) states -> (N, V) logits, tied to the input word embeddings.
        """
        hidden = labels != IGNORED  # (B, T - 1)
        logits = decode(self.transform(tokens[hidden]))  # (B, T - 1, D) -> (N, D) -> (N, V)
        return mean_or_zero(F.cross_entropy(logits.float(), labels[hidden], reduction="none"))
