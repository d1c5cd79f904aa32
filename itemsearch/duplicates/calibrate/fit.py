"""Fits a probability and its thresholds to labelled pairs.

Shapes: P pairs, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from itemsearch.duplicates.calibrate.appraise import curve, precision_and_recall, tiers
from itemsearch.duplicates.calibrate.sample import RESAMPLES, Sample
from itemsearch.duplicates.pairs.decide import probabilities
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles
from itemsearch.probability.calibration import Point, Share, TierReport
from itemsearch.probability.thresholds import (
    FEATURES,
    IDENTICAL,
    IDENTICAL_LISTINGS,
    PROBABILITY,
    Bar,
    Thresholds,
    Weights,
)

REVIEW_PROBABILITY = 0.25
"""A pair that is one product less often than this is not worth a person's look."""
CAUTION = 0.8
"""Share of the resamples in which the threshold has to keep the promised precision: one that keeps it on the
fitted products alone breaks it on half of all others."""
LEAST_FOUND = 10
"""So many pairs of one product have to reach a threshold for its precision to mean something."""
RIDGE = 1e-3
LEAST_SPREAD = 1e-3
STEPS = 50


@dataclass(frozen=True, slots=True)
class Fitted:
    """thresholds: fitted to all. threshold: of the automatic tier, with its bootstrap interval. The rest is
    of each part by what was fitted to the other alone."""

    thresholds: Thresholds
    threshold: Share
    precision: Share
    recall: Share
    tiers: tuple[TierReport, ...]
    curve: tuple[Point, ...]


def fit(one: Sample, other: Sample, min_precision: float) -> Fitted:
    """Fits to each part and reports on the other; what is to be used is fitted to both.

    Raises:
        UsageError: too few labels, or no threshold keeps the precision.
    """
    for part in (one, other):
        if part.same.sum() < LEAST_FOUND or (~part.same).sum() < LEAST_FOUND:
            raise UsageError(
                f"too few labels: of the pairs compared in one half of the products {int(part.same.sum())} "
                f"are one product and {int((~part.same).sum())} are two; {LEAST_FOUND} of each are needed"
            )
    both = one.and_then(other)
    values, accepted = [], []
    for own, apart in ((other, one), (one, other)):
        weights = fit_weights(own)
        values.append(_values(apart, weights))
        accepted.append(values[-1] >= _threshold(own, _values(own, weights), min_precision).value)
    apart_values = np.concatenate(values)
    threshold = _threshold(both, apart_values, min_precision)
    if not (np.isfinite(threshold.value) and np.concatenate(accepted).any()):
        raise UsageError(
            f"no threshold keeps precision {min_precision:g} in {CAUTION:.0%} of the labels' resamples; "
            f"the best of any is {_best_precision(both, apart_values):.3f}: ask for less with "
            "--min-precision, or label more"
        )
    review = min(REVIEW_PROBABILITY, threshold.value)
    bars: tuple[Bar, ...] = (Bar(PROBABILITY, threshold.value, review),)
    alike = both.found[:, FEATURES.index("joint")] >= IDENTICAL
    if not alike.any() or both.same[alike].mean() >= min_precision:
        bars = (*bars, IDENTICAL_LISTINGS)
    automatic = np.concatenate(accepted)
    return Fitted(
        Thresholds(bars, fit_weights(both)),
        threshold,
        *precision_and_recall(both, automatic),
        tiers(both, automatic, apart_values >= review),
        curve(both, apart_values),
    )


def fit_weights(sample: Sample) -> Weights:
    """Logistic regression by Newton's method, of the pairs without a conflict.

    A weight may be negative: the score counts title and picture already, and where siblings share words and
    studio, labels take part of that back.
    """
    kept = ~sample.conflict
    found, same, weights = sample.found[kept], sample.same[kept].astype(np.float64), sample.weights[kept]
    has = ~np.isnan(found)
    usual = np.where(has, found, 0).sum(axis=0) / np.maximum(has.sum(axis=0), 1)
    above = np.where(has, found - usual, 0)
    spread = np.maximum(above.std(axis=0), LEAST_SPREAD)
    solution = _newton(np.column_stack([above / spread, np.ones(len(found))]), same, weights / weights.sum())
    slopes = solution[:-1] / spread
    of, stand_in = (dict(zip(FEATURES, each.tolist(), strict=True)) for each in (slopes, usual))
    return Weights(float(solution[-1] - slopes @ usual), of, stand_in)


def _newton(scaled: Doubles, same: Doubles, weights: Doubles) -> Doubles:
    """(C,) the weights of (P, C) columns; the last, the bias, is not held back."""
    ridge = np.full(scaled.shape[1], RIDGE)
    ridge[-1] = 0
    solution = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        sure = 1 / (1 + np.exp(-scaled @ solution))
        slope = scaled.T @ (weights * (sure - same)) + ridge * solution
        curvature = (scaled.T * (weights * sure * (1 - sure))) @ scaled + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curvature, slope)
        solution = solution - np.clip(step, -2, 2)  # far from the solution a whole step may overshoot
        if np.abs(step).max() < 1e-8:
            break
    return solution


def _threshold(sample: Sample, values: Doubles, min_precision: float) -> Share:
    """The lowest value from which on the precision is kept, by what is counted and by what the probabilities
    themselves expect; infinite where there is none. values: (P,) probabilities."""
    same = sample.same.astype(np.float64)
    resampled = (weights for weights, _ in sample.resampled(seed=0))
    drawn = np.array([least_threshold(values, same, weights, min_precision) for weights in resampled])
    counted = float(np.sort(drawn)[int(CAUTION * RESAMPLES) - 1])
    expected = least_threshold(values, values, sample.weights, min_precision)
    reached = drawn[np.isfinite(drawn)]
    low, high = np.quantile(reached, [0.025, 0.975]) if len(reached) else (np.inf, np.inf)
    return Share(max(counted, expected), float(low), float(high))


def least_threshold(values: Doubles, right: Doubles, weights: Doubles, min_precision: float) -> float:
    """The lowest of (P,) values from which on the weighted mean of `right` is kept; else infinite."""
    order = np.argsort(-values, kind="stable")
    kept, passed = np.cumsum((weights * right)[order]), np.cumsum(weights[order])
    last = np.append(np.diff(values[order]) < 0, True)  # equal values pass together
    good = np.flatnonzero(last & (kept >= min_precision * passed) & (np.cumsum(right[order]) >= LEAST_FOUND))
    return float(values[order][good[-1]]) if len(good) else np.inf


def _best_precision(sample: Sample, values: Doubles) -> float:
    """Of any threshold that `LEAST_FOUND` pairs of one product reach."""
    order = np.argsort(-values, kind="stable")
    right = np.cumsum(sample.same[order])
    shares = right / np.cumsum(sample.weights[order])
    return float(shares[right >= LEAST_FOUND].max())


def _values(sample: Sample, weights: Weights) -> Doubles:
    """(P,) probabilities; 0 for pairs in conflict, which are no duplicates whatever theirs is."""
    return np.where(sample.conflict, 0.0, probabilities(sample.found, weights))
