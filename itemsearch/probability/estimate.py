"""What precision and recall a threshold is expected to have, by the probabilities themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.compared import ComparedPairs

DOUBT = 0.6
"""Log-odds by which a catalog's probabilities may be off as a whole without labels."""
SPURIOUS = 0.05
"""So many pairs a listing may be expected of siblings alone; up to .03 were where there were none."""
USUAL, STEEP, LARGE = 0.2, 4.0, 4.0
"""The share of strong pairs that are not the best of both listings, up to which nothing is wrong; log-odds of
doubt for each unit above; and the most that `SPURIOUS` adds. All are chosen on training catalogs."""
LABELS = 25.0
"""So many labels halve the square of that doubt."""
DEVIATIONS = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Checked:
    """Groups that were drawn at random and decided by people, and how many of them are right. share: of all
    groups that they were drawn from, by Wilson's interval (1927), which is never empty."""

    groups: int
    right: int
    share: Share

    @classmethod
    def of(cls, right: int, groups: int) -> Self:
        """Of one group or more."""
        found, squared = right / groups, DEVIATIONS**2
        middle = (right + squared / 2) / (groups + squared)
        half = DEVIATIONS * np.sqrt(found * (1 - found) * groups + squared / 4) / (groups + squared)
        low, high = float(middle - half), float(middle + half)
        return cls(groups, right, Share(found, max(low, 0.0), min(high, 1.0)))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the pairs at or above `threshold`: how many there are, which share is one product, and which share
    of all compared pairs of one product that is. ComparedPairs that were never compared are in no figure."""

    threshold: float
    pairs: int
    precision: Share
    recall: Share


def sibling_doubt(pairs: ComparedPairs, probability: Doubles, weights: Doubles) -> float:
    """Log-odds by which probabilities may be too high because siblings look like one product.

    They may where few duplicates are expected, which may be siblings all, and where many strong pairs are not
    the best ones of their listings.

    Args:
        probability: (P,). weights: (P,) of `crowd_weights`.
    """
    expected = float(probability @ weights)
    kept = 1 - SPURIOUS * pairs.listings / max(expected, SPURIOUS)
    best = np.full(pairs.listings, -np.inf)
    for rows in (pairs.a, pairs.b):
        np.maximum.at(best, rows, pairs.strength)
    strong = (pairs.strength >= 0) & (weights == 1)
    beaten = (pairs.strength < best[pairs.a]) | (pairs.strength < best[pairs.b])
    share = float(beaten[strong].mean()) if strong.any() else 0.0
    return min(LARGE, -float(np.log(max(kept, np.exp(-LARGE))))) + STEEP * max(share - USUAL, 0.0)


def estimate(
    probability: Doubles, passed: Mask, threshold: float, labels: int = 0, too_high: float = 0.0
) -> Estimate:
    """Estimates the precision and recall of the pairs that passed.

    Args:
        probability: (P,) of every compared pair.
        passed: (P,) the pairs that are accepted.
        threshold: the least probability of the pairs that passed, for the record.
        labels: how many the curve was refined by.
        too_high: of `sibling_doubt`.
    """
    known = np.sqrt(1 + labels / LABELS)
    doubts = (0.0, -(DOUBT + too_high) / known, DOUBT / known)
    values, lows, highs = (_shares(_shifted(probability, by), passed) for by in doubts)
    counts = (float(passed.sum()), float(probability.sum()))
    shares = []
    for value, low, high, count in zip(values, lows, highs, counts, strict=True):
        chance = DEVIATIONS * np.sqrt(value * (1 - value) / max(count, 1.0))
        shares.append(
            Share(
                value,
                float(max(0.0, value - np.hypot(value - min(low, high, value), chance))),
                float(min(1.0, value + np.hypot(max(low, high, value) - value, chance))),
            )
        )
    return Estimate(threshold, int(passed.sum()), shares[0], shares[1])


def threshold_for(probability: Doubles, min_precision: float) -> float | None:
    """The lowest probability from which on the expected precision is kept; None where there is none.

    probability [.99, .97, .6] at .95: the mean of the first two is .98, of all three .853 -> .97.
    """
    ordered = -np.sort(-probability)
    if not len(ordered):
        return None
    expected = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    last = np.append(np.diff(ordered) < 0, True)  # equal ones pass together
    kept = np.flatnonzero(last & (expected >= min_precision))
    return float(ordered[kept[-1]]) if len(kept) else None


def _shares(sure: Doubles, passed: Mask) -> tuple[float, float]:
    """Precision and recall; 0 of nothing."""
    right, total = float(sure[passed].sum()), float(sure.sum())
    return (right / int(passed.sum()) if passed.any() else 0.0), (right / total if total > 0 else 0.0)


def _shifted(probability: Doubles, by: float) -> Doubles:
    odds = probability * np.exp(by)
    shifted: Doubles = odds / (odds + 1 - probability)
    return shifted
