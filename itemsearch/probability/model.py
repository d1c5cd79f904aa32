"""What was learnt of a catalog: a few numbers that turn evidence into a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints
from itemsearch.probability.agreement import Weights, weigh

LEAST_SUPPORT, ENOUGH_SUPPORT = 0.2, 0.4
"""A pair whose best piece is below the first is never above `LEAST_CAP`; from the second on it is free."""
LEAST_CAP = -4.0
FREE_CAP = 12.0
LARGE_LOGIT = 50.0


@dataclass(frozen=True, slots=True)
class Curve:
    """From the contest's logit z to that of the probability: slope * z + shift.

    Below `known`, the lowest logit of a label, the curve without labels is not raised, nor above `sure`,
    where few labels are; None without labels. labels: how many it was refined by.
    """

    slope: float
    shift: float
    known: float | None = None
    labels: int = 0
    base_slope: float = 1.0
    base_shift: float = 0.0
    sure: float | None = None

    def apply(self, logit: Doubles) -> Doubles:
        """(P,) of (P,); it never falls where `logit` rises."""
        above = self.slope * logit + self.shift
        plain = self.base_slope * logit + self.base_shift
        if self.sure is not None:
            highest = self.slope * self.sure + self.shift
            above = np.where(logit > self.sure, np.minimum(above, np.maximum(plain, highest)), above)
        if self.known is not None:
            lowest = self.slope * self.known + self.shift
            above = np.where(logit < self.known, np.minimum(plain, lowest), above)
        return above


@dataclass(frozen=True, slots=True)
class Model:
    """A mixture of pairs of one product, N(mean, deviation) in adjusted strength, and of others, whose number
    a listing falls by exp(-decay) a unit.

    depth: a listing's level is the strength of its so-manieth other pair: further listings of its product
    are not its neighbourhood. pull, floor, centre: strength is adjusted by `pull` times how far the level of
    its neighbourhood, at least `floor`, is above `centre`. rate: log of the number a listing of others per
    unit of strength at `mean`. prior: log-odds of having a partner, against being alone on both sides.
    partnered: share of the listings that have one. agreement: log-odds of each level of each column of
    `ComparedPairs.levels`.
    """

    depth: int
    pull: float
    floor: float
    centre: float
    mean: float
    deviation: float
    decay: float
    rate: float
    prior: float
    partnered: float
    curve: Curve
    agreement: Weights = ()

    def adjust(self, strength: Doubles, neighbourhood: Doubles) -> Doubles:
        """(P,) how strong a pair is for where it is."""
        return strength - self.pull * (np.maximum(neighbourhood, self.floor) - self.centre)

    def odds(self, adjusted: Doubles) -> Doubles:
        """(P,) log-odds of a pair by itself: rises everywhere, straight above the mean."""
        above = adjusted - self.mean
        same = -0.5 * np.log(2 * np.pi) - np.log(self.deviation)
        same = same - 0.5 * np.minimum(above, 0) ** 2 / self.deviation**2
        odds: Doubles = same - (self.rate - self.decay * above) + self.prior
        return odds

    def probability(self, logit: Doubles, support: Doubles) -> Doubles:
        """(P,) of the contest's logits and of `ComparedPairs.support`."""
        share = np.clip((support - LEAST_SUPPORT) / (ENOUGH_SUPPORT - LEAST_SUPPORT), 0, 1)
        cap = LEAST_CAP + (FREE_CAP - LEAST_CAP) * share
        held = np.clip(np.minimum(self.curve.apply(logit), cap), -LARGE_LOGIT, LARGE_LOGIT)
        sure: Doubles = 1 / (1 + np.exp(-held))
        return sure

    def score_new(
        self, strength: Doubles, support: Doubles, neighbourhoods: Doubles, levels: Ints | None = None
    ) -> Doubles:
        """(C,) how sure an incoming listing is each of its C candidates of the catalog.

        Args:
            strength, support: (C,) as in `ComparedPairs`, of the listing with each candidate.
            neighbourhoods: (C,) of the candidates, from `Fitted.neighbourhoods`.
            levels: (C, columns) as in `ComparedPairs`.
        """
        count = len(strength)
        # The level of the newcomer's own neighbourhood, the candidate itself left out.
        ranks = np.argsort(np.argsort(-strength, kind="stable"), kind="stable")
        place = self.depth - 1 + (ranks < self.depth)
        ordered = -np.sort(-strength)
        own = np.where(place < count, ordered[np.minimum(place, count - 1)], self.floor)
        own = np.maximum(own, self.floor)
        odds = self.odds(self.adjust(strength, (own + np.maximum(neighbourhoods, self.floor)) / 2))
        if levels is not None:
            odds = odds + weigh(levels, self.agreement)
        weight = np.exp(np.clip(odds, -LARGE_LOGIT, LARGE_LOGIT))
        others = np.maximum(weight.sum() - weight, 0)
        return self.probability(odds - np.log1p(others), support)
