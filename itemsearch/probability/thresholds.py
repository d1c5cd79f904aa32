"""Thresholds of evidence: learnt from labels, chosen by hand, or cautious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FEATURES = (
    "score",
    "margin",
    "joint",
    "title_similarity",
    "image_similarity",
    "image_hash_similarity",
)
"""The features of a probability, in order. score: the logit of the match score. margin: how far that is above
the logit of the best other pair of either listing, since two listings of one product are alike as neither is
with a third. joint, title_similarity, image_similarity: cosines. image_hash_similarity: 1 for equal
perceptual hashes, 0 for 32 of 64 bits or more apart."""
PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least values of one kind of evidence: `automatic` for a duplicate, `review` for a person's review.

    evidence: "score", "joint", "title_similarity", "image_similarity" or "probability".
    """

    evidence: str
    automatic: float
    review: float


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression on `FEATURES`. coefficients, imputed: by feature; `imputed` replaces a feature
    that a pair lacks for want of a title or a picture, so that it counts neither for nor against."""

    bias: float
    coefficients: Mapping[str, float]
    imputed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A pair is a duplicate where it reaches the automatic value of any threshold, and to review where it
    reaches the review value of any. weights: of the probability; None without a calibration."""

    by_evidence: tuple[Threshold, ...]
    weights: Weights | None = None

    @classmethod
    def of_score(cls, least: float) -> Self:
        """The score alone decides, and no pair is to review."""
        return cls((Threshold("score", least, least),))


IDENTICAL = 1 - 1e-6
"""The joint cosine of equal embeddings, but for rounding. The join pairs them with one of them alone."""
IDENTICAL_LISTINGS = Threshold("joint", IDENTICAL, IDENTICAL)
NEVER = 2.0
"""A value that no cosine reaches."""
UNCALIBRATED = Thresholds(
    (
        Threshold("score", 0.999, 0.95),
        Threshold("joint", 0.98, 0.95),
        Threshold("image_similarity", NEVER, 0.98),
    )
)
"""Cautious, without a promise: only labels of a catalog tell how alike two of its products can be."""
