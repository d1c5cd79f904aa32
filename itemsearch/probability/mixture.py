"""Learns from a catalog's compared pairs, without labels, how sure each is one product.

Expectation maximisation of two kinds of pairs (Fellegi and Sunter 1969; Winkler 1988; ZeroER, Wu et al. 2020,
arXiv 1908.06049). What tells them apart here is where a pair stands among the others of its listings: the
expectation is the contest's, the maximisation measures both kinds and the share of listings that have a
partner. Both kinds are held near what calibrated log-odds of other catalogs showed, so that a catalog of no
duplicates stays one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints
from itemsearch.probability.agreement import learn_weights, no_weights, weigh
from itemsearch.probability.compared import ComparedPairs, levels, neighbourhood
from itemsearch.probability.contest import Contest
from itemsearch.probability.crowds import crowd_weights
from itemsearch.probability.estimate import sibling_doubt
from itemsearch.probability.model import Curve, Model

DEPTH = {True: 2, False: 3}
"""Across sellers and within all listings: a product is listed more often where all are compared."""
PULL = {True: 0.9, False: 0.5}
"""How much of its neighbourhood's level a pair has to rise above, likewise."""
CURVE = {True: Curve(0.67, -0.74), False: Curve(0.64, -0.38)}
"""How far the contest is too sure of a feed, likewise: siblings that look alike are no accident of one
listing. All curves were fitted to training catalogs of no, few and many duplicates."""
MEAN, DEVIATION = 1.0, 2.0
"""Adjusted strength of pairs of one product, as seen in training catalogs with and without pictures."""
HELD, HELD_SHARE = 50.0, 1.5
"""The mixture's first kind counts so many such pairs, and so many times those that it found."""
TAIL = 0.8
"""Others are measured from this quantile of theirs on."""
HELD_TAIL, DECAY = 20.0, 1.0
LEAST_ALONE, LEAST_PARTNERED = 0.005, 1e-5
LEAST_KEPT = 0.02
"""Of the expected pairs, so many are left where siblings may account for all."""
STEPS, ROUNDS, LAST_ROUNDS = 40, 3, 30
STEP = 0.7
ENOUGH = 1e-3
LARGEST_ODDS = 30.0


@dataclass(frozen=True, slots=True)
class Siblings:
    """How a catalog's own siblings mislead. curve: how far the contest is too sure, these left out. pairs: so
    many a listing are expected to be one product though none is."""

    curve: Curve
    pairs: float

    @classmethod
    def of_catalog(cls, across: bool, pictured: bool) -> Siblings:
        """Of a catalog compared with itself. pictured: whether most of its listings have pictures, in which
        siblings are told apart less well than in titles."""
        return cls(Curve(0.64, -0.5 if across and pictured else -0.25), 0.025 if pictured else 0.01)


@dataclass(frozen=True, slots=True)
class Fitted:
    """model: scores new pairs. logit (P,): before the curve, the evidence that labels refine. probability
    (P,). neighbourhoods (N,): the level of each listing's, for `Model.score_new`. too_high: of
    `sibling_doubt`."""

    model: Model
    logit: Doubles
    support: Doubles
    probability: Doubles
    neighbourhoods: Doubles
    too_high: float

    def with_curve(self, curve: Curve) -> Fitted:
        """With another curve, such as `refine` gave."""
        model = replace(self.model, curve=curve)
        return replace(self, model=model, probability=model.probability(self.logit, self.support))


def fit(pairs: ComparedPairs, across: bool, siblings: Siblings | None = None) -> Fitted:
    """Learns a model from pairs, and scores them.

    Args:
        pairs: every pair that was compared, not only those that look well: the others show what chance does.
        across: whether the listings of a pair have to differ in a column, such as their seller.
        siblings: of a catalog compared with itself; None for a feed.
    """
    siblings = Siblings(CURVE[across], 0.0) if siblings is None else siblings
    curve = siblings.curve
    if not len(pairs.a):
        empty = np.empty(0)
        nothing = Model(DEPTH[across], PULL[across], 0, 0, MEAN, DEVIATION, DECAY, 0, 0, 0, curve)
        return Fitted(nothing, empty, empty, empty, np.zeros(pairs.listings), 0.0)
    floor = float(np.median(pairs.strength))
    weights = crowd_weights(pairs)
    level = neighbourhood(pairs, DEPTH[across], floor, weights)
    centre = float(np.median(level))
    start = Model(DEPTH[across], PULL[across], floor, centre, MEAN, DEVIATION, DECAY, 0, 0, 0, curve)
    start = replace(start, agreement=no_weights(pairs.levels))
    adjusted = start.adjust(pairs.strength, level)
    contest, ascending = Contest.of(pairs, weights), np.argsort(adjusted)
    model, odds, found = start, pairs.strength, -np.inf
    for step in range(STEPS):
        sure = _sigmoid(contest.logits(odds, ROUNDS))
        model = _measure(model, pairs, adjusted, ascending, sure, weights)
        if step > 5 and abs(sure.sum() - found) < ENOUGH * max(sure.sum(), 10):
            break
        found = float(sure.sum())
        by_itself = model.odds(adjusted) + weigh(pairs.levels, model.agreement)
        target = np.clip(by_itself, -LARGEST_ODDS, LARGEST_ODDS)
        odds = odds + STEP * (target - odds)
    return _without_siblings(
        _fitted(model, pairs, contest.logits(odds, LAST_ROUNDS), weights), siblings, weights
    )


def apply(model: Model, pairs: ComparedPairs) -> Fitted:
    """Scores the pairs of a catalog by a model that was learnt before, from it or from an earlier state."""
    weights = crowd_weights(pairs)
    level = neighbourhood(pairs, model.depth, model.floor, weights)
    odds = model.odds(model.adjust(pairs.strength, level)) + weigh(pairs.levels, model.agreement)
    odds = np.clip(odds, -LARGEST_ODDS, LARGEST_ODDS)
    return _fitted(model, pairs, Contest.of(pairs, weights).logits(odds, LAST_ROUNDS), weights)


def _fitted(model: Model, pairs: ComparedPairs, logit: Doubles, weights: Doubles) -> Fitted:
    probability = model.probability(logit, pairs.support)
    return Fitted(
        model,
        logit,
        pairs.support,
        probability,
        levels(pairs, model.depth, model.floor, weights),
        sibling_doubt(pairs, probability, weights),
    )


def _without_siblings(fitted: Fitted, siblings: Siblings, weights: Doubles) -> Fitted:
    """Lowers the curve by the share of the expected pairs that siblings account for, and so the doubt."""
    expected = max(float(fitted.probability @ weights), 1e-9)
    kept = max(1 - siblings.pairs * len(fitted.neighbourhoods) / expected, LEAST_KEPT)
    curve = fitted.model.curve
    lowered = fitted.with_curve(replace(curve, shift=curve.shift + float(np.log(kept))))
    return replace(lowered, too_high=max(fitted.too_high + float(np.log(kept)), 0.0))


def _measure(
    model: Model, pairs: ComparedPairs, adjusted: Doubles, ascending: Ints, sure: Doubles, weights: Doubles
) -> Model:
    """Both kinds and their share, given how sure each pair is and how much it counts; each (P,).

    ascending: the order of `adjusted`.
    """
    partners = np.bincount(np.concatenate([pairs.a, pairs.b]), np.tile(sure, 2), minlength=pairs.listings)
    alone = float(np.clip(1 - np.minimum(partners, 1).mean(), LEAST_ALONE, 1))
    other, sure = (1 - sure) * weights, sure * weights
    count = float(sure.sum())
    held = HELD + HELD_SHARE * count
    mean = float((sure @ adjusted + held * MEAN) / (count + held))
    spread = sure @ (adjusted - mean) ** 2 + held * (DEVIATION**2 + (MEAN - mean) ** 2)
    start = _weighted_quantile(adjusted, ascending, other, TAIL)
    tail = adjusted > start
    there = max(float(other[tail].sum()), 1e-9)
    decay = (there + HELD_TAIL) / (float(other[tail] @ (adjusted[tail] - start)) + HELD_TAIL / DECAY)
    rate = np.log(2 * there / pairs.listings) + np.log(decay) - decay * (mean - start)
    return replace(
        model,
        mean=mean,
        deviation=float(np.sqrt(spread / (count + held))),
        decay=float(decay),
        rate=float(rate),
        prior=float(np.log(max(1 - alone, LEAST_PARTNERED) / alone**2)),
        partnered=1 - alone,
        agreement=learn_weights(pairs.levels, sure, np.where(tail, other, 0.0)),
    )


def _weighted_quantile(values: Doubles, order: Ints, weights: Doubles, share: float) -> float:
    """The value below which `share` of the weight is: values [3, 1, 2], order [1, 2, 0], weights [1, 1, 2],
    .5 -> 2."""
    reached = np.cumsum(weights[order])
    place = min(int(np.searchsorted(reached, share * reached[-1])), len(values) - 1)
    return float(values[order[place]])


def _sigmoid(logit: Doubles) -> Doubles:
    sure: Doubles = 1 / (1 + np.exp(-np.clip(logit, -LARGEST_ODDS, LARGEST_ODDS)))
    return sure
