"""What evidence on a pair is enough: learnt from labels, chosen by hand, or cautious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FEATURES = ("score", "margin", "joint", "title", "image", "picture")
"""What a probability weighs, each from "speaks against" up: the score's logit; how far that is above the best
other pair of either listing, since two listings of one product are alike as neither is with a third; the
cosines; and how near the pictures' perceptual hashes are, 1 for equal."""
PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class Bar:
    """What a piece of evidence ("score", "joint", "title", "image" or "probability") needs by itself for a
    decision without a person, and for one by a person."""

    evidence: str
    automatic: float
    review: float


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression: what each of `FEATURES` weighs. usual: what stands for one that a pair has not,
    for lack of a title or a picture, so that it speaks neither for nor against."""

    bias: float
    of: Mapping[str, float]
    usual: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A pair is a duplicate where it reaches the automatic value of any bar, to review where it reaches the
    review value of one. weights: what a bar of "probability" is of; None without labels."""

    bars: tuple[Bar, ...]
    weights: Weights | None = None

    @classmethod
    def of_score(cls, least: float) -> Self:
        """The score alone decides, without a person: there is nothing to review."""
        return cls((Bar("score", least, least),))


IDENTICAL = 1 - 1e-6
"""Joint cosine of embeddings that are one: the join links such listings through one of them alone."""
IDENTICAL_LISTINGS = Bar("joint", IDENTICAL, IDENTICAL)
NEVER = 2.0
"""No cosine reaches it."""
UNCALIBRATED = Thresholds((Bar("score", 0.999, 0.95), Bar("joint", 0.98, 0.95), Bar("image", NEVER, 0.98)))
"""Cautious, and no promise: how alike two different products can be, only labels of a catalog tell."""
