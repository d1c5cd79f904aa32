"""Masked language modelling (MLM): the hidden word from its own token's state (arXiv 1810.04805, 3.1)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.objectives.heads import Transform, mean_or_zero
from itemsearch.objectives.masking import IGNORED


class MaskedLanguage(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform = Transform(dim, dim)

    def forward(self, tokens: Tensor, labels: Tensor, decode: nn.Module) -> Tensor:
        """Cross-entropy over the vocabulary.

        Args:
            tokens: (B, T - 1, D) states of the title's tokens after [CLS].
            labels: (B, T - 1) the true word where one was hidden, `IGNORED` elsewhere.
            decode: (N, D) -> (N, V), tied to the input word embeddings.
        """
        hidden = labels != IGNORED
        logits = decode(self.transform(tokens[hidden]))  # (B, T-1, D) -> (N, D) -> (N, V)
        return mean_or_zero(F.cross_entropy(logits.float(), labels[hidden], reduction="none"))
