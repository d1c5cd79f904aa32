"""The final score: how sure the evidence makes one that two listings are the same product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from itemsearch.errors import ModelError
from itemsearch.ranking.evidence import KINDS, Evidence, Floats

RANKING_FILE = "ranking.json"
"""In a model's folder, where its ranking has been calibrated."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A logistic regression on the evidence for each of `KINDS`.

    weights: for each kind, one number a feature and a bias last.
    """

    features: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> Self:
        """What `describe` gave.

        Raises:
            KeyError, TypeError, ValueError: it is no ranking.
        """
        features = tuple(map(str, described["features"]))
        weights = {kind: tuple(map(float, described["weights"][kind])) for kind in KINDS}
        if any(len(numbers) != len(features) + 1 for numbers in weights.values()):
            raise ValueError("a weight a feature and a bias are needed")
        return cls(features, weights)

    def describe(self) -> dict[str, Any]:
        """As JSON holds it."""
        weights = {kind: list(numbers) for kind, numbers in self.weights.items()}
        return {"features": list(self.features), "weights": weights}

    def score(self, evidence: Evidence) -> Floats:
        """(C,) from 0 to 1."""
        weights = np.array([self.weights[kind] for kind in KINDS])[evidence.kinds]  # (C, F + 1)
        logits = (weights[:, :-1] * evidence.features).sum(axis=1) + weights[:, -1]
        scores: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores


def read_ranking(folder: Path) -> Ranking | None:
    """The ranking of the model in `folder`; None where it was never calibrated.

    Raises:
        ModelError: the file is damaged.
    """
    path = folder / RANKING_FILE
    if not path.exists():
        return None
    try:
        return Ranking.from_description(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: no ranking ({error}); run itemsearch calibrate again") from error
