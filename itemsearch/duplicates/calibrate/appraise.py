"""How right a probability is on products that it was not fitted to."""

from __future__ import annotations

import numpy as np

from itemsearch.duplicates.calibrate.sample import Sample
from itemsearch.duplicates.types import Tier
from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.calibration import Point, Share, TierReport

CURVE = 101


def precision_and_recall(sample: Sample, accepted: Mask) -> tuple[Share, Share]:
    """Of the pairs (P,) that were accepted."""
    drawn = [_shares(sample, accepted, weights, true) for weights, true in sample.resampled(seed=1)]
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    found = _shares(sample, accepted, sample.weights, float(sample.true.sum()))
    precision, recall = (Share(found[i], float(low[i]), float(high[i])) for i in (0, 1))
    return precision, recall


def tiers(sample: Sample, accepted: Mask, doubtful: Mask) -> tuple[TierReport, ...]:
    """accepted, doubtful (P,): what is automatic, and what of the others is to review."""
    parts = {
        Tier.AUTOMATIC.value: accepted,
        Tier.REVIEW.value: doubtful & ~accepted,
        "no": ~doubtful & ~accepted,
    }
    found = []
    for name, inside in parts.items():
        precision, recall = _shares(sample, inside, sample.weights, float(sample.true.sum()))
        found.append(TierReport(name, int(inside.sum()), 0.0 if np.isnan(precision) else precision, recall))
    return tuple(found)


def curve(sample: Sample, probability: Doubles) -> tuple[Point, ...]:
    """Precision and recall from each hundredth on; probability: (P,)."""
    points = []
    for threshold in np.linspace(0, 1, CURVE)[1:].tolist():
        accepted = probability >= threshold
        if accepted.any():
            shares = _shares(sample, accepted, sample.weights, float(sample.true.sum()))
            points.append(Point(threshold, *shares))
    return tuple(points)


def _shares(sample: Sample, accepted: Mask, weights: Doubles, true: float) -> tuple[float, float]:
    """Precision and recall; NaN of nothing."""
    right, passed = float((weights * sample.same)[accepted].sum()), float(weights[accepted].sum())
    return right / passed if passed else np.nan, right / true if true else np.nan
