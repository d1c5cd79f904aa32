"""The final score: how sure the evidence makes one that two listings are the same product."""

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
"""In a model's folder, where its ranking has been fitted."""

KNOTS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Cosines at which a piece of evidence may begin to count for more: a picture that is all but the same says
more than its cosine does."""
SLOPES = 1 + len(KNOTS)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A logistic regression for each of `KINDS`, on curves that rise with each piece of evidence.

    slopes: for each kind, (F, SLOPES): how steeply each feature's curve rises from the start, and how much
    more steeply from each of `KNOTS` on; none is negative. biases: for each kind.
    """

    features: tuple[str, ...]
    slopes: Mapping[str, tuple[tuple[float, ...], ...]]
    biases: Mapping[str, float]

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> Self:
        """What `describe` gave.

        Raises:
            KeyError, TypeError, ValueError: it is no ranking.
        """
        features = tuple(map(str, described["features"]))
        slopes = {
            kind: tuple(tuple(map(float, described["slopes"][kind][name])) for name in features)
            for kind in KINDS
        }
        if any(len(curve) != SLOPES for curves in slopes.values() for curve in curves):
            raise ValueError(f"{SLOPES} slopes a feature are needed")
        return cls(features, slopes, {kind: float(described["biases"][kind]) for kind in KINDS})

    def describe(self) -> dict[str, Any]:
        """As JSON holds it."""
        slopes = {
            kind: dict(zip(self.features, map(list, curves), strict=True))
            for kind, curves in self.slopes.items()
        }
        return {"features": list(self.features), "slopes": slopes, "biases": dict(self.biases)}

    def score(self, evidence: Evidence) -> Floats:
        """(C,) from 0 to 1."""
        slopes = np.array([self.slopes[kind] for kind in KINDS])  # (K, F, SLOPES)
        weights = slopes.reshape(len(KINDS), -1)[evidence.kinds]  # (K, F, SLOPES) -> (C, F * SLOPES)
        biases = np.array([self.biases[kind] for kind in KINDS])[evidence.kinds]
        logits = (weights * bend(evidence.features)).sum(axis=1) + biases
        scores: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores


def bend(features: Floats) -> Floats:
    """(C, F) cosines -> (C, F * SLOPES): each one, and how far it is above each of `KNOTS`."""
    above = np.maximum(features[:, :, None] - np.array((0.0, *KNOTS), np.float32), 0)
    above[:, :, 0] = features  # below 0 too
    count = features.shape[1] * SLOPES
    bent: Floats = above.reshape(len(features), count)  # (C, F, SLOPES) -> (C, F * SLOPES)
    return bent


def read_ranking(folder: Path) -> Ranking | None:
    """The ranking of the model in `folder`; None where it was never fitted.

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
