"""Recall from ranks, shares and F1 from labels, each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
MISSING = np.iinfo(np.int64).max
TIE = 1e-6

Ranks = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its bootstrap 95% interval over queries or test rows (percentile method)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def rank_of_right(scores: Floats, right: npt.NDArray[np.int64], own: int) -> int:
    """The rank, from 1, of the best of the `right` rows by (N,) scores; ties count against it.

    own: a row that is left out, -1 for none.
    """
    beaten = scores >= scores[right].max() - TIE
    beaten[right] = False
    if own >= 0:
        beaten[own] = False
    return 1 + int(beaten.sum())


def recall_at(ranks: Ranks, k: int, seed: int = 0) -> Interval:
    """The share of queries whose right answer is among the first k."""
    hits = (ranks <= k).astype(float)
    # The resampled mean of n zeros and ones is a binomial draw over n.
    means = np.random.default_rng(seed).binomial(len(hits), hits.mean(), RESAMPLES) / len(hits)
    return _interval(float(hits.mean()), means)


def accuracy(truth: Sequence[str], found: Sequence[str], seed: int = 0) -> Interval:
    """The share of rows whose label was found."""
    return recall_at(np.where(np.array(truth) == np.array(found), 1, 2), 1, seed)


def macro_f1(truth: Sequence[str], found: Sequence[str], seed: int = 0) -> Interval:
    """The mean F1 over the labels that `truth` has, however rare each is.

    Rows are resampled within each label: else rare labels would be missing from most samples, and the
    interval would lie above the figure.
    """
    labels = {label: place for place, label in enumerate(sorted({*truth, *found}))}
    true, guess = (np.array([labels[label] for label in side]) for side in (truth, found))
    order = np.argsort(true, kind="stable")
    true, guess = true[order], guess[order]
    first, size = np.searchsorted(true, true), np.bincount(true)[true]
    rng = np.random.default_rng(seed)
    resampled = [
        _macro_f1(true, guess[first + (rng.random(len(true)) * size).astype(np.int64)], len(labels))
        for _ in range(RESAMPLES)
    ]
    return _interval(_macro_f1(true, guess, len(labels)), np.array(resampled))


def _macro_f1(true: Ranks, guess: Ranks, labels: int) -> float:
    support, guessed = np.bincount(true, minlength=labels), np.bincount(guess, minlength=labels)
    hits = np.bincount(true[true == guess], minlength=labels)
    present = support > 0
    return float((2 * hits[present] / (support + guessed)[present]).mean())


def _interval(value: float, resampled: npt.NDArray[np.float64]) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(value, float(low), float(high))
