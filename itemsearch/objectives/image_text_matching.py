"""Image-text matching (ITM): predicts whether a picture belongs to its title.

Shapes: B listings, D hidden size.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class ImageTextMatching(nn.Module):
    """Binary classification of the global state, which has to encode both modalities for it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.answer = nn.Linear(dim, 1)

    def forward(self, global_state: Tensor, matched: Tensor, eligible: Tensor) -> Tensor:
        """Mean binary cross-entropy over the eligible listings, a scalar.

        Args:
            global_state: (B, D) state of [CLS].
            matched: (B,) bool, False where the picture shows another product.
            eligible: (B,) bool, listings that have both a title and a picture.
        """
        logits = self.answer(global_state).squeeze(-1)  # (B, 1) -> (B,)
        losses = F.binary_cross_entropy_with_logits(logits, matched.to(logits.dtype), reduction="none")
        return (losses * eligible).sum() / eligible.sum().clamp(min=1)
