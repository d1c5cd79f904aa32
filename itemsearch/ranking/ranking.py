"""Computes the match score of two listings from the evidence on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from itemsearch.errors import ModelError
from itemsearch.indexes.arrays import Floats
from itemsearch.ranking.evidence import KINDS, Evidence

RANKING_FILE = "ranking.json"
"""In a model's folder, where a ranking was fitted to it."""

KNOTS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Cosines from which a feature's curve may rise more steeply: of two images that are nearly equal, a small
difference in cosine matters more."""
SLOPES = 1 + len(KNOTS)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A logistic regression for each of `KINDS`, on piecewise linear, rising curves of the features.

    features: the F names. slopes: for each kind, (F, SLOPES) numbers, none negative: the slope of each
    feature's curve from the start, and by how much it grows at each of `KNOTS`. biases: for each kind.
    """

    features: tuple[str, ...]
    slopes: Mapping[str, tuple[tuple[float, ...], ...]]
    biases: Mapping[str, float]

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> Self:
        """Makes a ranking from what `describe` returned.

        Raises:
            KeyError, TypeError, ValueError: it is no ranking.
        """
        features = tuple(map(str, described["features"]))
        # Rankings were fitted before numbered titles were a kind of their own.
        fitted = {kind: kind if kind in described["slopes"] else "title" for kind in KINDS}
        slopes = {
            kind: tuple(tuple(map(float, described["slopes"][source][name])) for name in features)
            for kind, source in fitted.items()
        }
        if any(len(curve) != SLOPES for curves in slopes.values() for curve in curves):
            raise ValueError(f"{SLOPES} slopes a feature are needed")
        biases = {kind: float(described["biases"][source]) for kind, source in fitted.items()}
        return cls(features, slopes, biases)

    def describe(self) -> dict[str, Any]:
        """The ranking as JSON values; slopes by kind and feature."""
        slopes = {
            kind: dict(zip(self.features, map(list, curves), strict=True))
            for kind, curves in self.slopes.items()
        }
        return {"features": list(self.features), "slopes": slopes, "biases": dict(self.biases)}

    def score(self, evidence: Evidence) -> Floats:
        """(C,) float32, from 0 to 1: the match scores of C candidates or pairs."""
        slopes = np.array([self.slopes[kind] for kind in KINDS])  # (K, F, SLOPES)
        weights = slopes.reshape(len(KINDS), -1)[evidence.kinds]  # (K, F, SLOPES) -> (C, F * SLOPES)
        biases = np.array([self.biases[kind] for kind in KINDS])[evidence.kinds]
        logits = (weights * bend(evidence.features)).sum(axis=1) + biases
        scores: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores


def bend(features: Floats) -> Floats:
    """(C, F) cosines -> (C, F * SLOPES): each cosine, and how far it is above each of `KNOTS`, or 0."""
    above = np.maximum(features[:, :, None] - np.array((0.0, *KNOTS), np.float32), 0)
    above[:, :, 0] = features  # below 0 too
    count = features.shape[1] * SLOPES
    bent: Floats = above.reshape(len(features), count)  # (C, F, SLOPES) -> (C, F * SLOPES)
    return bent


def read_ranking(folder: Path) -> Ranking | None:
    """Reads the ranking of the model in `folder`; None where none was fitted.

    Raises:
        ModelError: the file is damaged.
    """
    path = folder / RANKING_FILE
    if not path.exists():
        return None
    try:
        return Ranking.from_description(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: no ranking ({error}); run itemsearch fit-ranking again") from error
