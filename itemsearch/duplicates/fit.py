"""Fits a probability and its thresholds to labelled pairs, and measures both on products apart.

Shapes: P pairs that the join proposes and labels know, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.calibration import Point, Share, TierReport
from itemsearch.duplicates.decide import features, margins, probabilities
from itemsearch.duplicates.labels import UNKNOWN, Labels
from itemsearch.duplicates.linkage import Ints
from itemsearch.duplicates.thresholds import (
    FEATURES,
    IDENTICAL,
    IDENTICAL_LISTINGS,
    PROBABILITY,
    Bar,
    Thresholds,
    Weights,
)
from itemsearch.duplicates.types import Tier
from itemsearch.errors import UsageError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

REVIEW_PROBABILITY = 0.25
"""A pair that is one product less often than this is not worth a person's look."""
ACROSS = 2.0
"""What a pair of two products weighs: with half of the products on each side, half of the pairs of one
product are on either, and a quarter of those of two."""
CAUTION = 0.8
"""Share of the resamples in which the threshold has to keep the promised precision: one that keeps it on the
fitted products alone breaks it on half of all others."""
LEAST_FOUND = 10
"""So many pairs of one product have to reach a threshold for its precision to mean something."""
RESAMPLES = 200
RIDGE = 1e-3
LEAST_SPREAD = 1e-3
STEPS = 50
CURVE = 101


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled pairs of one part of the products.

    found (P, F): features. same (P,). conflict (P,): the variant guard's. products (P, 2): of either listing,
    as numbers below N. true (N,): pairs of each that are one product, proposed or not.
    """

    found: Floats
    same: Mask
    conflict: Mask
    products: Ints
    true: Ints

    @property
    def weights(self) -> Floats:
        return np.where(self.same, 1.0, ACROSS)


@dataclass(frozen=True, slots=True)
class Fitted:
    """threshold: that of the automatic tier. Shares and tiers are of the part that was not fitted to."""

    thresholds: Thresholds
    threshold: Share
    precision: Share
    recall: Share
    tiers: tuple[TierReport, ...]
    curve: tuple[Point, ...]


def split(pairs: pa.Table, labels: Labels, products: pa.Table) -> tuple[Sample, Sample]:
    """The labelled among the pairs, in two parts that share no product; pairs across are in neither.

    A product's part is told by its first listing's id, so that more labels move no product to the other.
    """
    a, b = pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()
    known, same = labels.judge(a, b)
    of = np.stack([labels.product[a], labels.product[b]], axis=1)
    known &= (of[:, 0] != of[:, 1]) | same  # a contradiction: said to be two, and one by way of others
    found = features(pairs, margins(pairs))
    conflict = pc.list_value_length(pairs["conflicts"]).to_numpy() > 0
    sides = _sides(labels, products)
    true = labels.same_pairs()

    def part(side: int) -> Sample:
        kept = known & (sides[of] == side).all(axis=1)
        return Sample(found[kept], same[kept], conflict[kept], of[kept], np.where(sides == side, true, 0))

    return part(0), part(1)


def fit(fitted: Sample, reported: Sample, min_precision: float) -> Fitted:
    """
    Raises:
        UsageError: too few labels, or no threshold keeps the precision.
    """
    for part, use in ((fitted, "fit to"), (reported, "report on")):
        if part.same.sum() < LEAST_FOUND or (~part.same).sum() < LEAST_FOUND:
            raise UsageError(
                f"too few labels to {use}: of the pairs compared {int(part.same.sum())} are one product and "
                f"{int((~part.same).sum())} are two; {LEAST_FOUND} of each are needed, label more"
            )
    weights = fit_weights(fitted)
    drawn = _resampled(fitted, weights, min_precision)
    reachable = drawn[np.isfinite(drawn)]
    if len(reachable) < CAUTION * RESAMPLES:
        raise UsageError(
            f"no threshold keeps precision {min_precision:g} in {CAUTION:.0%} of the labels' resamples; the "
            f"best of any is {_best_precision(fitted, weights):.3f}: ask for less with --min-precision, or "
            "label more"
        )
    automatic = float(np.quantile(drawn, CAUTION, method="higher"))
    low, high = np.quantile(reachable, [0.025, 0.975])
    review = min(REVIEW_PROBABILITY, automatic)
    bars: tuple[Bar, ...] = (Bar(PROBABILITY, automatic, review),)
    alike = fitted.found[:, FEATURES.index("joint")] >= IDENTICAL
    if not alike.any() or fitted.same[alike].mean() >= min_precision:
        bars = (*bars, IDENTICAL_LISTINGS)
    thresholds = Thresholds(bars, weights)
    precision, recall = _shares(reported, weights, automatic)
    values = _passing(reported, weights)
    tiers = (
        _tier(reported, Tier.AUTOMATIC, values >= automatic),
        _tier(reported, Tier.REVIEW, (values >= review) & (values < automatic)),
        _tier(reported, "no", values < review),
    )
    return Fitted(
        thresholds,
        Share(automatic, float(low), float(high)),
        precision,
        recall,
        tiers,
        _curve(reported, values),
    )


def fit_weights(sample: Sample) -> Weights:
    """Logistic regression by Newton's method, of the pairs without a conflict.

    A weight may be negative: the score counts title and picture already, and where siblings share words and
    studio, labels take part of that back.
    """
    kept = ~sample.conflict
    found, same, weights = sample.found[kept], sample.same[kept], sample.weights[kept]
    centre, spread = found.mean(axis=0), np.maximum(found.std(axis=0), LEAST_SPREAD)
    scaled = np.column_stack([(found - centre) / spread, np.ones(len(found))])
    solution = _newton(scaled, same, weights / weights.sum())
    slopes = solution[:-1] / spread
    return Weights(float(solution[-1] - slopes @ centre), dict(zip(FEATURES, slopes.tolist(), strict=True)))


def _newton(scaled: Floats, same: Mask, weights: Floats) -> Floats:
    """(F + 1,) the weights of the columns; the last, the bias, is not held back."""
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


def least_threshold(values: Floats, same: Mask, weights: Floats, min_precision: float) -> float:
    """The lowest of the values from which on the weighted precision is kept; infinite where none is."""
    order = np.argsort(-values, kind="stable")
    right, all_ = np.cumsum((weights * same)[order]), np.cumsum(weights[order])
    last = np.append(np.diff(values[order]) < 0, True)  # equal values pass together
    good = np.flatnonzero(last & (right >= min_precision * all_) & (np.cumsum(same[order]) >= LEAST_FOUND))
    return float(values[order][good[-1]]) if len(good) else np.inf


def _best_precision(sample: Sample, weights: Weights) -> float:
    """Of any threshold that `LEAST_FOUND` pairs of one product reach."""
    order = np.argsort(-_passing(sample, weights), kind="stable")
    right = np.cumsum(sample.same[order])
    shares = right / np.cumsum(sample.weights[order])
    return float(shares[right >= LEAST_FOUND].max())


def _resampled(sample: Sample, weights: Weights, min_precision: float) -> Floats:
    """(RESAMPLES,) thresholds, each of as many products drawn with replacement."""
    values, rng = _passing(sample, weights), np.random.default_rng(0)
    thresholds = [
        least_threshold(values, sample.same, sample.weights * times, min_precision)
        for times in (_times(sample, rng) for _ in range(RESAMPLES))
    ]
    return np.array(thresholds)


def _shares(sample: Sample, weights: Weights, threshold: float) -> tuple[Share, Share]:
    """Precision and recall."""
    hit, rng = _passing(sample, weights) >= threshold, np.random.default_rng(1)
    drawn = np.array(
        [_precision_recall(sample, hit, None)]
        + [_precision_recall(sample, hit, rng) for _ in range(RESAMPLES)]
    )
    low, high = np.nanquantile(drawn[1:], [0.025, 0.975], axis=0)
    precision, recall = (Share(float(drawn[0, i]), float(low[i]), float(high[i])) for i in (0, 1))
    return precision, recall


def _precision_recall(sample: Sample, hit: Mask, rng: np.random.Generator | None) -> tuple[float, float]:
    drawn = np.ones(len(sample.true)) if rng is None else _drawn(sample, rng)
    weights = sample.weights * _of_pairs(sample, drawn)
    right, passed, true = (weights * sample.same)[hit].sum(), weights[hit].sum(), (drawn * sample.true).sum()
    return right / passed if passed else np.nan, right / true if true else np.nan


def _times(sample: Sample, rng: np.random.Generator) -> Floats:
    return _of_pairs(sample, _drawn(sample, rng))


def _drawn(sample: Sample, rng: np.random.Generator) -> Floats:
    """(products,) how often each is drawn, with replacement."""
    present = np.unique(sample.products)
    drawn = np.zeros(len(sample.true))
    drawn[present] = rng.multinomial(len(present), np.full(len(present), 1 / len(present)))
    return drawn


def _of_pairs(sample: Sample, drawn: Floats) -> Floats:
    """(P,) how often each pair is there: as often as both of its products are."""
    return np.where(sample.same, drawn[sample.products[:, 0]], drawn[sample.products].prod(axis=1))


def _passing(sample: Sample, weights: Weights) -> Floats:
    """(P,) probabilities; 0 for pairs in conflict, which are duplicates at none."""
    return np.where(sample.conflict, 0.0, probabilities(sample.found, weights))


def _tier(sample: Sample, tier: str, inside: Mask) -> TierReport:
    right, passed = sample.same[inside].sum(), sample.weights[inside].sum()
    precision = float(right / passed) if passed else 0.0
    return TierReport(str(tier), int(inside.sum()), precision, float(right / sample.true.sum()))


def _curve(sample: Sample, values: Floats) -> tuple[Point, ...]:
    points = []
    for threshold in np.linspace(0, 1, CURVE)[1:]:
        hit = values >= threshold
        if hit.any():
            right, passed = sample.same[hit].sum(), sample.weights[hit].sum()
            points.append(Point(float(threshold), float(right / passed), float(right / sample.true.sum())))
    return tuple(points)


def _sides(labels: Labels, products: pa.Table) -> Ints:
    """(N,) 0 or 1 for each product's number, -1 for numbers of none."""
    known = np.flatnonzero(labels.product != UNKNOWN)
    first: dict[int, str] = {}
    ids = products["id"].take(pa.array(known)).to_pylist()
    for number, id in zip(labels.product[known].tolist(), ids, strict=True):
        first[number] = min(id, first.get(number, id))
    sides = np.full(len(labels.product), -1)
    for number, id in first.items():
        sides[number] = blake2b(id.encode(), digest_size=1).digest()[0] % 2
    return sides
