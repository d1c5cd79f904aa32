"""Random masking of words and patches, and swapping of pictures, for pre-training.

Shapes: B listings, T title tokens ([CLS] and [SEP] included), P patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100
"""Label of a token that is not predicted: the default `ignore_index` of torch's cross-entropy."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Size of a tokenizer's vocabulary, and the ids of [MASK] and of all special tokens."""

    size: int
    mask_id: int
    special_ids: tuple[int, ...]


def mask_words(
    input_ids: Tensor, vocabulary: Vocabulary, rate: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """BERT's masking (arXiv 1810.04805, 3.1): 80% of chosen tokens become [MASK], 10% random, 10% stay.

    Args:
        input_ids: (B, T) int64 token ids. Special tokens and padding are never chosen.
        rate: probability that a token is chosen.

    Returns:
        The masked ids (B, T), and labels (B, T): the true id where a token was chosen, `IGNORED` elsewhere.
    """
    special = torch.isin(input_ids, torch.tensor(vocabulary.special_ids))
    chosen = (torch.rand(input_ids.shape, generator=generator) < rate) & ~special
    labels = torch.where(chosen, input_ids, IGNORED)
    action = torch.rand(input_ids.shape, generator=generator)
    random_words = torch.randint(vocabulary.size, input_ids.shape, generator=generator)
    masked = torch.where(chosen & (action < 0.8), vocabulary.mask_id, input_ids)
    return torch.where(chosen & (action >= 0.9), random_words, masked), labels


def mask_patches(batch: int, patches: int, rate: float, generator: torch.Generator) -> Tensor:
    """(B, P) bool with the same number of hidden patches in every row, at least one if P > 0."""
    hidden_count = max(1, round(patches * rate))
    order = torch.rand((batch, patches), generator=generator).argsort(dim=1)
    return order < hidden_count


def swap_pictures(has_image: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """(B,) int64: the row whose picture each listing gets: its own, or for about `rate` of them another.

    Only listings with a picture are chosen. The chosen ones exchange their pictures in a cycle, so that every
    picture is used once, and a picture's frequency does not reveal a swap.

    Four listings with pictures, of which rows 0, 2 and 3 are chosen: [0, 1, 2, 3] becomes [3, 1, 0, 2].
    """
    source = torch.arange(len(has_image))
    chosen = torch.nonzero(has_image & (torch.rand(len(has_image), generator=generator) < rate)).flatten()
    source[chosen] = chosen.roll(1)
    return source
