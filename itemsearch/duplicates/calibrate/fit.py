"""Fits a probability and its thresholds to labelled pairs, and measures them on held-out products.

Shapes: P pairs, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from itemsearch.duplicates.calibrate.evaluate import curve, precision_and_recall, tiers
from itemsearch.duplicates.calibrate.sample import RESAMPLES, Sample
from itemsearch.duplicates.pairs.decide import probabilities
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles
from itemsearch.probability.calibration import CurvePoint, Share, TierReport
from itemsearch.probability.thresholds import (
    FEATURES,
    IDENTICAL,
    IDENTICAL_LISTINGS,
    PROBABILITY,
    Threshold,
    Thresholds,
    Weights,
)

REVIEW_PROBABILITY = 0.25
"""The threshold of the review tier: a pair of a lower probability is not worth a person's time."""
CAUTION = 0.8
"""The share of the resamples in which the threshold has to reach the precision: one that reaches it on the
fitted products only misses it on half of all others."""
LEAST_FOUND = 10
"""The least number of pairs of one product from which the precision of a threshold is measured."""
RIDGE = 1e-3
LEAST_SPREAD = 1e-3
STEPS = 50


@dataclass(frozen=True, slots=True)
class Fitted:
    """The result of `fit`. thresholds: fitted to both samples. threshold: of the automatic tier, with its
    bootstrap interval. precision, recall, tiers, curve: cross-validated, each sample by the fit to the other
    alone."""

    thresholds: Thresholds
    threshold: Share
    precision: Share
    recall: Share
    tiers: tuple[TierReport, ...]
    curve: tuple[CurvePoint, ...]


def fit(one: Sample, other: Sample, min_precision: float) -> Fitted:
    """Fits to each sample and measures on the other; the thresholds to use are fitted to both.

    Raises:
        UsageError: too few labels, or no threshold reaches the precision.
    """
    for sample in (one, other):
        if sample.same.sum() < LEAST_FOUND or (~sample.same).sum() < LEAST_FOUND:
            raise UsageError(
                f"too few labels: of the pairs compared in one half of the products {int(sample.same.sum())} "
                f"are one product and {int((~sample.same).sum())} are two; {LEAST_FOUND} of each are needed"
            )
    both = one.joined(other)
    values, accepted = [], []
    for fitted, held_out in ((other, one), (one, other)):
        weights = fit_weights(fitted)
        values.append(_values(held_out, weights))
        accepted.append(values[-1] >= _threshold(fitted, _values(fitted, weights), min_precision).value)
    held_out_values = np.concatenate(values)
    threshold = _threshold(both, held_out_values, min_precision)
    if not (np.isfinite(threshold.value) and np.concatenate(accepted).any()):
        raise UsageError(
            f"no threshold keeps precision {min_precision:g} in {CAUTION:.0%} of the labels' resamples; "
            f"the best of any is {_best_precision(both, held_out_values):.3f}: ask for less with "
            "--min-precision, or label more"
        )
    review = min(REVIEW_PROBABILITY, threshold.value)
    thresholds: tuple[Threshold, ...] = (Threshold(PROBABILITY, threshold.value, review),)
    identical = both.features[:, FEATURES.index("joint")] >= IDENTICAL
    if not identical.any() or both.same[identical].mean() >= min_precision:
        thresholds = (*thresholds, IDENTICAL_LISTINGS)
    automatic = np.concatenate(accepted)
    return Fitted(
        Thresholds(thresholds, fit_weights(both)),
        threshold,
        *precision_and_recall(both, automatic),
        tiers(both, automatic, held_out_values >= review),
        curve(both, held_out_values),
    )


def fit_weights(sample: Sample) -> Weights:
    """Logistic regression by Newton's method, on the pairs without a conflict.

    A coefficient may be negative: the score counts title and picture already, and where variants share words
    and a photo studio, labels reduce that.
    """
    kept = ~sample.conflict
    values, same, weights = sample.features[kept], sample.same[kept].astype(np.float64), sample.weights[kept]
    # A worked example, of one feature and four pairs: a missing value becomes the mean, 0 after centring.
    #
    #   values     is_known   mean   centred   / spread
    #   0.2        yes        0.5    -0.3      -1.41
    #   0.5        yes               0.0       0.0
    #   0.8        yes               0.3       1.41
    #   NaN        no                0.0       0.0
    is_known = ~np.isnan(values)
    means = np.where(is_known, values, 0).sum(axis=0) / np.maximum(is_known.sum(axis=0), 1)
    centred = np.where(is_known, values - means, 0)
    spread = np.maximum(centred.std(axis=0), LEAST_SPREAD)
    columns = np.column_stack([centred / spread, np.ones(len(values))])
    solution = _newton(columns, same, weights / weights.sum())
    slopes = solution[:-1] / spread
    coefficients, imputed = (dict(zip(FEATURES, each.tolist(), strict=True)) for each in (slopes, means))
    return Weights(float(solution[-1] - slopes @ means), coefficients, imputed)


def _newton(scaled: Doubles, same: Doubles, weights: Doubles) -> Doubles:
    """(C,) the coefficients of (P, C) columns; the last, the bias, has no ridge penalty."""
    ridge = np.full(scaled.shape[1], RIDGE)
    ridge[-1] = 0
    solution = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-scaled @ solution))
        gradient = scaled.T @ (weights * (probability - same)) + ridge * solution
        hessian = (scaled.T * (weights * probability * (1 - probability))) @ scaled + np.diag(ridge + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        solution = solution - np.clip(step, -2, 2)  # a whole step may overshoot far from the solution
        if np.abs(step).max() < 1e-8:
            break
    return solution


def _threshold(sample: Sample, values: Doubles, min_precision: float) -> Share:
    """The lowest threshold that reaches the precision, both by the labels in `CAUTION` of the resamples and
    by the mean of the probabilities above it; infinite where there is none. values: (P,) probabilities."""
    same = sample.same.astype(np.float64)
    resampled = (weights for weights, _ in sample.resampled(seed=0))
    by_resample = np.array([least_threshold(values, same, weights, min_precision) for weights in resampled])
    counted = float(np.sort(by_resample)[int(CAUTION * RESAMPLES) - 1])
    expected = least_threshold(values, values, sample.weights, min_precision)
    reached = by_resample[np.isfinite(by_resample)]
    low, high = np.quantile(reached, [0.025, 0.975]) if len(reached) else (np.inf, np.inf)
    return Share(max(counted, expected), float(low), float(high))


def least_threshold(values: Doubles, right: Doubles, weights: Doubles, min_precision: float) -> float:
    """The lowest of (P,) values at and above which the weighted mean of `right` (P,) is `min_precision` or
    more, and `right` sums to `LEAST_FOUND` or more; infinite where there is none."""
    # A worked example, of equal weights, min_precision 0.7 and LEAST_FOUND 2; equal values pass together:
    #
    #   values   right   sum of right   passed   precision   last   good
    #   0.9      1       1              1        1.00        x      .       (too few are right)
    #   0.8      1       2              2        1.00        x      x
    #   0.6      0       2              3        0.67        .      .
    #   0.6      1       3              4        0.75        x      x       the result is 0.6
    order = np.argsort(-values, kind="stable")
    kept, passed = np.cumsum((weights * right)[order]), np.cumsum(weights[order])
    last = np.append(np.diff(values[order]) < 0, True)
    good = np.flatnonzero(last & (kept >= min_precision * passed) & (np.cumsum(right[order]) >= LEAST_FOUND))
    return float(values[order][good[-1]]) if len(good) else np.inf


def _best_precision(sample: Sample, values: Doubles) -> float:
    """The best precision of any threshold that `LEAST_FOUND` pairs of one product reach."""
    order = np.argsort(-values, kind="stable")
    right = np.cumsum(sample.same[order])
    shares = right / np.cumsum(sample.weights[order])
    return float(shares[right >= LEAST_FOUND].max())


def _values(sample: Sample, weights: Weights) -> Doubles:
    """(P,) the probabilities of pairs; 0 for pairs with a conflict, which are never duplicates."""
    return np.where(sample.conflict, 0.0, probabilities(sample.features, weights))
