"""What pre-training hides: words, patches, and pictures behind those of other products."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The token numbers that masking needs."""

    size: int
    mask_id: int
    special_ids: tuple[int, ...]


def mask_words(
    input_ids: Tensor, vocabulary: Vocabulary, rate: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """BERT's masking (arXiv 1810.04805, 3.1): of the chosen, 80% [MASK], 10% a random word, 10% unchanged.

    Args:
        input_ids: (B, T) int64. Special tokens and padding are never chosen.

    Returns:
        The masked ids (B, T), and labels (B, T): the true word where chosen, `IGNORED` elsewhere.
    """
    special = torch.isin(input_ids, torch.tensor(vocabulary.special_ids))
    chosen = (torch.rand(input_ids.shape, generator=generator) < rate) & ~special
    labels = torch.where(chosen, input_ids, IGNORED)
    action = torch.rand(input_ids.shape, generator=generator)
    random_words = torch.randint(vocabulary.size, input_ids.shape, generator=generator)
    masked = torch.where(chosen & (action < 0.8), vocabulary.mask_id, input_ids)
    return torch.where(chosen & (action >= 0.9), random_words, masked), labels


def mask_patches(batch: int, patches: int, rate: float, generator: torch.Generator) -> Tensor:
    """(B, P) bool with the same number of hidden patches in every row, at least one."""
    hidden = max(1, round(patches * rate))
    order = torch.rand((batch, patches), generator=generator).argsort(dim=1)
    return order < hidden


def swap_pictures(has_image: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """(B,) int64: whose picture each product gets: its own, or for about `rate` of them another's.

    Only products with a picture take part, and a chosen one gets the next chosen one's, so that nobody's
    picture is seen more often as a wrong one than as a right one.
    """
    source = torch.arange(len(has_image))
    chosen = torch.nonzero(has_image & (torch.rand(len(has_image), generator=generator) < rate)).flatten()
    source[chosen] = chosen.roll(1)
    return source
