"""Agreement of groups with the true products: pairwise and B-cubed measures (Bagga and Baldwin 1998).

N listings; groups and products are given as (N,) numbers, one for each listing.

A worked example, four listings of which 0, 1 and 2 are one product, and 0 and 1 one group:

    listing  group  product  group size  product size  shared  B-cubed precision  recall
    0        0      0        2           3             2       2/2                2/3
    1        0      0        2           3             2       2/2                2/3
    2        1      0        1           3             1       1/1                1/3
    3        2      1        1           1             1       1/1                1/1

One pair of listings is in one group, and it is right: pair precision 1. Three pairs are of one product: pair
recall 1/3. B-cubed precision is 1, B-cubed recall (2/3 + 2/3 + 1/3 + 1) / 4 = 2/3.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import RESAMPLES, Resampled
from itemsearch.indexes.arrays import Doubles, Ints

FIGURES = ("pair precision", "pair recall", "pair F1", "B³ precision", "B³ recall", "B³ F1")


def agreement(groups: Ints, products: Ints, seed: int = 0) -> Mapping[str, Resampled]:
    """`FIGURES`, resampled by product; the draws depend on the products and the seed alone.

    A wrong pair counts half for each of its two products.
    """
    sums = _sums(groups, products)  # (products, 6)
    rng = np.random.default_rng(seed)
    count = len(sums)
    drawn = [_figures(rng.multinomial(count, np.full(count, 1 / count)) @ sums) for _ in range(RESAMPLES)]
    values = zip(_figures(sums.sum(axis=0)).tolist(), np.stack(drawn, axis=1), strict=True)
    return {name: Resampled(*value) for name, value in zip(FIGURES, values, strict=True)}


def b_cubed_f1(groups: Ints, products: Ints) -> float:
    """The harmonic mean of B-cubed precision and recall."""
    return float(_figures(_sums(groups, products).sum(axis=0))[-1])


def _sums(groups: Ints, products: Ints) -> Doubles:
    """(P, 6) sums over the listings of each product: right, found and true pairs, B-cubed precisions, B-cubed
    recalls, and the number of listings.

    The example above gives product 0 the row [1, 1, 3, 3, 5/3, 3] and product 1 the row [0, 0, 0, 1, 1, 1].
    """
    _, group = np.unique(groups, return_inverse=True)
    _, product = np.unique(products, return_inverse=True)
    both = np.unique(group * (product.max() + 1) + product, return_inverse=True)[1]
    shared, size, true = (np.bincount(of)[of] for of in (both, group, product))
    # Each listing of a pair counts half of it.
    by_listing = np.stack(
        [(shared - 1) / 2, (size - 1) / 2, (true - 1) / 2, shared / size, shared / true, np.ones(len(both))]
    )
    return np.stack([np.bincount(product, weights=row) for row in by_listing], axis=1)


def _figures(sums: Doubles) -> Doubles:
    """(6,) `FIGURES` of (6,) sums. Without found pairs precision is 1, without true pairs recall is 1."""
    right, found, true, precisions, recalls, listings = sums
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    b_precision, b_recall = precisions / listings, recalls / listings
    return np.array(
        [precision, recall, _f1(precision, recall), b_precision, b_recall, _f1(b_precision, b_recall)]
    )


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
