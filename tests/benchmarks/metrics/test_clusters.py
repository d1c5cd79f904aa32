from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from itemsearch.benchmarks.metrics.clusters import (
    GROUP_FIGURES,
    PAIR_FIGURES,
    PairProducts,
    group_agreement,
    pair_agreement,
    reliability,
)


def slow_group_figures(groups: list[int], products: list[int]) -> list[float]:
    """Every listing by itself."""
    rows = range(len(groups))
    precisions, recalls = [], []
    for row in rows:
        group = {other for other in rows if groups[other] == groups[row]}
        product = {other for other in rows if products[other] == products[row]}
        precisions.append(len(group & product) / len(group))
        recalls.append(len(group & product) / len(product))
    cubed = float(np.mean(precisions)), float(np.mean(recalls))
    return [*cubed, 2 * cubed[0] * cubed[1] / sum(cubed)]


@pytest.mark.parametrize("seed", range(4))
def test_group_figures_are_those_of_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    products = rng.integers(0, 12, 30)
    groups = np.where(rng.random(30) < 0.3, rng.integers(100, 105, 30), products)
    figures = group_agreement(groups, products)
    assert [figures[name].value for name in GROUP_FIGURES] == pytest.approx(
        slow_group_figures(groups.tolist(), products.tolist())
    )
    assert all(f.interval.low <= f.value <= f.interval.high for f in figures.values())


@pytest.mark.parametrize("seed", range(4))
def test_pair_figures_are_shares_of_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    products = rng.integers(0, 12, 30)
    a, b = np.array(list(combinations(range(30), 2))).T
    same, chosen = products[a] == products[b], rng.random(len(a)) < 0.3
    figures = pair_agreement(chosen, same, PairProducts(products[a], products[b], 12))
    precision, recall = (chosen & same).sum() / chosen.sum(), (chosen & same).sum() / same.sum()
    expected = [precision, recall, 2 * precision * recall / (precision + recall)]
    assert [figures[name].value for name in PAIR_FIGURES] == pytest.approx(expected)
    assert all(f.interval.low <= f.value <= f.interval.high for f in figures.values())


def test_without_chosen_pairs_precision_is_1_and_without_true_ones_recall_is() -> None:
    products = PairProducts(np.array([0, 1]), np.array([0, 2]), 3)
    nothing, true = np.array([False, False]), np.array([True, False])
    assert [f.value for f in pair_agreement(nothing, true, products).values()] == [1, 0, 0]
    assert [f.value for f in pair_agreement(nothing, nothing, products).values()] == [1, 1, 1]


def test_the_worked_example_of_the_module() -> None:
    figures = group_agreement(np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1]))
    assert [figures[name].value for name in GROUP_FIGURES[:2]] == pytest.approx([1, 2 / 3])


def test_reliability_sets_probabilities_beside_the_shares_that_are_right() -> None:
    # Ten pairs of .8, of which eight are right, four of .3, of which none is; the others are left out.
    probability = np.array([0.8] * 10 + [0.3] * 4 + [0.005, np.nan])
    same = np.array([True] * 8 + [False] * 2 + [False] * 4 + [False, True])
    numbers = np.arange(16)
    measured = reliability(probability, same, PairProducts(numbers, numbers, 16))
    assert [(each.pairs, round(each.probability, 6), each.right) for each in measured.bins] == [
        (4, 0.3, 0.0),
        (10, 0.8, 0.8),
    ]
    assert measured.error.value == pytest.approx(4 * 0.3 / 14)
    assert measured.error.low <= measured.error.value <= measured.error.high


def test_reliability_of_no_pairs_is_no_error() -> None:
    nothing = np.empty(0, np.int64)
    measured = reliability(np.empty(0), np.empty(0, bool), PairProducts(nothing, nothing, 3))
    assert measured.bins == []
    assert measured.error.value == 0
