"""Labels correct the curve from the contest's logit to a probability: a few move it, many replace it.

Whether a pair is one product, given its logit, does not depend on which pairs somebody chose to label by
looking at the evidence; the share of duplicates among the labelled does. So only the curve is fitted, never
that share. What is below every label is never raised above what was said without labels: a part of a catalog
teaches nothing of the millions of faint pairs. Nor is what few labels are above: people are asked about
doubtful pairs, and that these are right more often than was said does not make the sure ones surer.
"""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints, Mask
from itemsearch.probability.mixture import Fitted
from itemsearch.probability.model import Curve

HELD_SLOPE, HELD_SHIFT = 0.2, 0.6
"""Deviations of the logarithm of the slope, and of the shift, from what is known without labels."""
HELD_NUMBER = 0.1
"""Of the logarithm of how many pairs of one product there are, where all labels are of such."""
SLOPES = np.geomspace(0.4, 2.5, 41)
SHIFTS = np.linspace(-4, 4, 81)
"""Factors and shifts that are tried, relative to the curve without labels."""
ENOUGH = 20
"""Fewer labels cannot show that pairs are surer than .95: of so many, one would be wrong."""
FAINT = -12.0
BINS = 200


def refine(fitted: Fitted, pairs: Ints, same: Mask, drawn: Mask | None = None) -> Curve:
    """The most probable curve, given labels; that without them where there are none.

    Args:
        pairs: (L,) places among the compared pairs. same: (L,). drawn: (L,) the pairs that were drawn at
            random and would have been labelled whatever they are; None for none of them. All others may be of
            one product: then only which of the pairs of one product were named is learnt from these, and
            without drawn ones how many there are stays as estimated.
    """
    base = fitted.model.curve
    plain = Curve(base.base_slope, base.base_shift) if base.labels else base
    if not len(pairs):
        return plain
    logit = fitted.logit[pairs]
    weights, centres = _histogram(fitted.logit)
    chosen = np.ones(len(pairs), bool) if drawn is None else ~drawn
    named = int(chosen.sum()) if same[chosen].all() else 0
    only_named = bool(named) and bool(chosen.all())
    held = HELD_NUMBER if only_named else np.inf
    scores = np.empty((len(SLOPES), len(SHIFTS)))
    for row, factor in enumerate(SLOPES):
        for column, shift in enumerate(SHIFTS):
            tried = Curve(plain.slope * factor, plain.shift * factor + shift)
            sure = tried.apply(logit)
            fit = -np.logaddexp(0, -sure[same]).sum() - np.logaddexp(0, sure[~same]).sum()
            if named:
                expected = _expected(tried, weights, centres)
                change = np.log(expected / _expected(plain, weights, centres))
                fit -= named * np.log(expected) + 0.5 * (change / held) ** 2
            scores[row, column] = fit + _prior(float(factor), float(shift))
    best_row, best_column = divmod(int(scores.argmax()), len(SHIFTS))
    factor, shift = float(SLOPES[best_row]), float(SHIFTS[best_column])
    return Curve(
        plain.slope * factor,
        plain.shift * factor + shift,
        float(logit.min()),
        len(pairs),
        plain.slope,
        plain.shift,
        None if only_named else float(np.sort(logit)[-min(ENOUGH, len(logit))]),
    )


def _prior(factor: float, shift: float) -> float:
    return -0.5 * (float(np.log(factor)) ** 2 / HELD_SLOPE**2 + shift**2 / HELD_SHIFT**2)


def _histogram(logit: Doubles) -> tuple[Doubles, Doubles]:
    """How many pairs are in each of `BINS` bins of the logit, and the bins' centres."""
    counts, edges = np.histogram(np.maximum(logit, FAINT), BINS)
    return counts.astype(np.float64), (edges[1:] + edges[:-1]) / 2


def _expected(curve: Curve, weights: Doubles, centres: Doubles) -> float:
    """How many pairs of one product there are."""
    return float(weights @ (1 / (1 + np.exp(-(curve.slope * centres + curve.shift)))))
