"""Measures precision and recall of a probability on labelled pairs."""

from __future__ import annotations

import numpy as np

from itemsearch.duplicates.calibrate.sample import Sample
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.calibration import CurvePoint, Share, TierReport

CURVE = 101


def precision_and_recall(sample: Sample, accepted: Mask) -> tuple[Share, Share]:
    """Of the accepted pairs (P,), each with its bootstrap interval over products."""
    resampled = [_shares(sample, accepted, weights, true) for weights, true in sample.resampled(seed=1)]
    low, high = np.nanquantile(resampled, [0.025, 0.975], axis=0)
    shares = _shares(sample, accepted, sample.weights, float(sample.true.sum()))
    precision, recall = (Share(shares[i], float(low[i]), float(high[i])) for i in (0, 1))
    return precision, recall


def tiers(sample: Sample, accepted: Mask, reviewed: Mask) -> tuple[TierReport, ...]:
    """Precision and recall of each tier. accepted, reviewed: (P,) the pairs that are automatic, to review."""
    parts = {
        Tier.AUTOMATIC.value: accepted,
        Tier.REVIEW.value: reviewed & ~accepted,
        Decision.DIFFERENT.value: ~reviewed & ~accepted,
    }
    reports = []
    for name, inside in parts.items():
        precision, recall = _shares(sample, inside, sample.weights, float(sample.true.sum()))
        reports.append(TierReport(name, int(inside.sum()), 0.0 if np.isnan(precision) else precision, recall))
    return tuple(reports)


def curve(sample: Sample, probability: Doubles) -> tuple[CurvePoint, ...]:
    """Precision and recall of the pairs of each hundredth or more; probability: (P,)."""
    points = []
    for threshold in np.linspace(0, 1, CURVE)[1:].tolist():
        accepted = probability >= threshold
        if accepted.any():
            shares = _shares(sample, accepted, sample.weights, float(sample.true.sum()))
            points.append(CurvePoint(threshold, *shares))
    return tuple(points)


def _shares(sample: Sample, accepted: Mask, weights: Doubles, true: float) -> tuple[float, float]:
    """Precision and recall of the accepted pairs (P,) of `weights` (P,); NaN where a denominator is 0."""
    right, passed = float((weights * sample.same)[accepted].sum()), float(weights[accepted].sum())
    return right / passed if passed else np.nan, right / true if true else np.nan
