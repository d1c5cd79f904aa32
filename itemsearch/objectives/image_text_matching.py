"""Image-text matching (ITM): does this picture belong to this title?"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class ImageTextMatching(nn.Module):
    """A yes-or-no answer from the global state, which must have read both modalities to know."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.answer = nn.Linear(dim, 1)

    def forward(self, global_state: Tensor, matched: Tensor, eligible: Tensor) -> Tensor:
        """Binary cross-entropy.

        Args:
            global_state: (B, D).
            matched: (B,) bool, False where the picture is another product's.
            eligible: (B,) bool, products that have both a title and a picture.
        """
        logits = self.answer(global_state).squeeze(-1)  # (B, 1) -> (B,)
        losses = F.binary_cross_entropy_with_logits(logits, matched.to(logits.dtype), reduction="none")
        return (losses * eligible).sum() / eligible.sum().clamp(min=1)
