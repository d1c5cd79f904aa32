"""How well groups agree with the truth: of pairs, and of listings (B-cubed, Bagga and Baldwin 1998).

N listings; groups and products are given as a number for each listing, (N,).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import RESAMPLES, Resampled
from itemsearch.indexes.arrays import Doubles, Ints

FIGURES = ("pair precision", "pair recall", "pair F1", "B³ precision", "B³ recall", "B³ F1")


def agreement(groups: Ints, products: Ints, seed: int = 0) -> Mapping[str, Resampled]:
    """`FIGURES`, resampled by product: under one seed, by the same draws for any groups of these listings.

    A pair that is found and of two products counts half for either when products are drawn.
    """
    sums = _sums(groups, products)  # (products, 6)
    rng = np.random.default_rng(seed)
    count = len(sums)
    drawn = [_figures(rng.multinomial(count, np.full(count, 1 / count)) @ sums) for _ in range(RESAMPLES)]
    values = zip(_figures(sums.sum(axis=0)).tolist(), np.stack(drawn, axis=1), strict=True)
    return {name: Resampled(*value) for name, value in zip(FIGURES, values, strict=True)}


def b_cubed_f1(groups: Ints, products: Ints) -> float:
    return float(_figures(_sums(groups, products).sum(axis=0))[-1])


def _sums(groups: Ints, products: Ints) -> Doubles:
    """(products, 6) of each product's listings: pairs right, found and true; B-cubed precisions and recalls;
    how many there are."""
    _, group = np.unique(groups, return_inverse=True)
    _, product = np.unique(products, return_inverse=True)
    both = np.unique(group * (product.max() + 1) + product, return_inverse=True)[1]
    shared, size, true = (np.bincount(of)[of] for of in (both, group, product))
    # A listing's pairs count half for it: the other half is the other listing's.
    each = np.stack(
        [(shared - 1) / 2, (size - 1) / 2, (true - 1) / 2, shared / size, shared / true, np.ones(len(both))]
    )
    return np.stack([np.bincount(product, weights=row) for row in each], axis=1)


def _figures(sums: Doubles) -> Doubles:
    """(6,) `FIGURES`. Where nothing is found nothing is wrong: precision 1."""
    right, found, true, precisions, recalls, listings = sums
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    b_precision, b_recall = precisions / listings, recalls / listings
    return np.array(
        [precision, recall, _f1(precision, recall), b_precision, b_recall, _f1(b_precision, b_recall)]
    )


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
