"""Agreement of pairs and groups with the true products: pairwise, and B-cubed (Bagga and Baldwin 1998).

N listings; groups and products are given as (N,) numbers, one for each listing. K pairs of listings.

A worked example of B-cubed, four listings of which 0, 1 and 2 are one product, and 0 and 1 one group:

    listing  group  product  group size  product size  shared  B-cubed precision  recall
    0        0      0        2           3             2       2/2                2/3
    1        0      0        2           3             2       2/2                2/3
    2        1      0        1           3             1       1/1                1/3
    3        2      1        1           1             1       1/1                1/1

B-cubed precision is 1, B-cubed recall (2/3 + 2/3 + 1/3 + 1) / 4 = 2/3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import RESAMPLES, Interval, Resampled
from itemsearch.indexes.arrays import Doubles, Ints, Mask

PAIR_FIGURES = ("pair precision", "pair recall", "pair F1")
GROUP_FIGURES = ("B³ precision", "B³ recall", "B³ F1")
FIGURES = (*PAIR_FIGURES, *GROUP_FIGURES)
BINS = 10
LEAST = 0.01
"""The least probability of the pairs whose calibration is measured: the millions below would make any error
small."""


@dataclass(frozen=True, slots=True)
class PairProducts:
    """(K,) the number of the product of each listing of K pairs, and how many products there are."""

    a: Ints
    b: Ints
    count: int

    def sums(self, values: Doubles) -> Doubles:
        """(count, F) sums of (K, F) values; a pair counts half for the product of each of its listings."""
        columns = [
            (np.bincount(self.a, of, self.count) + np.bincount(self.b, of, self.count)) / 2 for of in values.T
        ]
        return np.stack(columns, axis=1)

    def take(self, kept: Mask) -> PairProducts:
        """Of some of the pairs."""
        return PairProducts(self.a[kept], self.b[kept], self.count)


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of alike probability: how many there are, their mean probability, and the share that is right."""

    pairs: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """bins: those that have pairs, the least probable first. error: the expected calibration error, the mean
    over pairs of how far the mean probability of their bin is from its share of right pairs."""

    bins: Sequence[Bin]
    error: Interval


def pair_agreement(
    chosen: Mask, same: Mask, products: PairProducts, seed: int = 0
) -> Mapping[str, Resampled]:
    """`PAIR_FIGURES`, resampled by product; the draws depend on the products and the seed alone.

    Args:
        chosen: (K,) the pairs that a method takes for one product.
        same: (K,) the pairs that are; every such pair is among the K.
    """
    sums = products.sums(np.stack([chosen & same, chosen, same], axis=1).astype(np.float64))
    return dict(zip(PAIR_FIGURES, _resample(sums, _pair_figures, seed), strict=True))


def group_agreement(groups: Ints, products: Ints, seed: int = 0) -> Mapping[str, Resampled]:
    """`GROUP_FIGURES`, resampled by product with the draws of `pair_agreement`. groups, products: (N,)."""
    return dict(zip(GROUP_FIGURES, _resample(_b_cubed(groups, products), _b_figures, seed), strict=True))


def reliability(probability: Doubles, same: Mask, products: PairProducts, seed: int = 0) -> Reliability:
    """How right the probabilities of the pairs of `LEAST` or more are.

    Args:
        probability: (K,) float64; NaN of pairs that were not compared.
        same: (K,).
    """
    kept = probability >= LEAST
    sure, right = probability[kept], same[kept].astype(np.float64)
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    member = np.eye(BINS)[place]  # (K, BINS)
    sums = products.take(kept).sums(np.hstack([member, member * sure[:, None], member * right[:, None]]))
    total = sums.sum(axis=0).reshape(3, BINS)
    bins = [
        Bin(round(float(pairs)), float(mass / pairs), float(hits / pairs))
        for pairs, mass, hits in total.T
        if pairs
    ]
    (error,) = _resample(sums, _calibration_error, seed)
    return Reliability(bins, error.interval)


def _resample(sums: Doubles, figures: Callable[[Doubles], Doubles], seed: int) -> list[Resampled]:
    """Each figure of the (products, S) sums, resampled by product."""
    rng = np.random.default_rng(seed)
    count = len(sums)
    shares = np.full(count, 1 / count)
    drawn = np.stack([figures(rng.multinomial(count, shares) @ sums) for _ in range(RESAMPLES)], axis=1)
    return [Resampled(*value) for value in zip(figures(sums.sum(axis=0)).tolist(), drawn, strict=True)]


def _pair_figures(sums: Doubles) -> Doubles:
    """(3,) `PAIR_FIGURES` of right, found and true pairs. Without found pairs precision is 1, without true
    pairs recall is 1."""
    right, found, true = sums
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    return np.array([precision, recall, _f1(precision, recall)])


def _b_cubed(groups: Ints, products: Ints) -> Doubles:
    """(P, 3) sums over the listings of each product: B-cubed precisions, recalls, and the number of listings.

    The example above gives product 0 the row [3, 5/3, 3] and product 1 the row [1, 1, 1].
    """
    _, group = np.unique(groups, return_inverse=True)
    _, product = np.unique(products, return_inverse=True)
    both = np.unique(group * (product.max() + 1) + product, return_inverse=True)[1]
    shared, size, true = (np.bincount(of)[of] for of in (both, group, product))
    by_listing = np.stack([shared / size, shared / true, np.ones(len(both))])
    return np.stack([np.bincount(product, weights=row) for row in by_listing], axis=1)


def _b_figures(sums: Doubles) -> Doubles:
    """(3,) `GROUP_FIGURES` of (3,) sums."""
    precision, recall = sums[0] / sums[2], sums[1] / sums[2]
    return np.array([precision, recall, _f1(precision, recall)])


def _calibration_error(sums: Doubles) -> Doubles:
    """(1,) of the number of pairs, their probabilities and the right ones, each in `BINS` bins."""
    pairs, mass, right = sums.reshape(3, BINS)
    return np.array([np.abs(mass - right).sum() / max(pairs.sum(), 1.0)])


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
