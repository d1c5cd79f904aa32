from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from itemsearch.benchmarks.metrics.clusters import FIGURES, agreement, b_cubed_f1


def slow_figures(groups: list[int], products: list[int]) -> list[float]:
    """Every pair and every listing one by one."""
    rows = range(len(groups))
    found = {pair for pair in combinations(rows, 2) if groups[pair[0]] == groups[pair[1]]}
    true = {pair for pair in combinations(rows, 2) if products[pair[0]] == products[pair[1]]}
    precision = len(found & true) / len(found) if found else 1.0
    recall = len(found & true) / len(true) if true else 1.0
    precisions, recalls = [], []
    for row in rows:
        group = {other for other in rows if groups[other] == groups[row]}
        product = {other for other in rows if products[other] == products[row]}
        precisions.append(len(group & product) / len(group))
        recalls.append(len(group & product) / len(product))
    cubed = float(np.mean(precisions)), float(np.mean(recalls))
    return [precision, recall, harmonic(precision, recall), *cubed, harmonic(*cubed)]


def harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


@pytest.mark.parametrize("seed", range(8))
def test_figures_are_those_of_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    products = rng.integers(0, 12, 30)
    groups = np.where(rng.random(30) < 0.3, rng.integers(100, 105, 30), products)
    figures = agreement(groups, products)
    slow = slow_figures(groups.tolist(), products.tolist())
    assert [figures[name].value for name in FIGURES] == pytest.approx(slow)
    assert b_cubed_f1(groups, products) == pytest.approx(slow[-1])
    assert all(f.interval.low <= f.value <= f.interval.high for f in figures.values())


def test_without_groups_precision_is_1() -> None:
    no_groups = agreement(np.arange(6), np.array([0, 0, 1, 2, 3, 4]))
    assert [no_groups[name].value for name in FIGURES[:3]] == [1.0, 0.0, 0.0]
    perfect = agreement(np.arange(6), np.arange(6))
    assert all(figure.value == 1.0 for figure in perfect.values())


def test_the_worked_example_of_the_module() -> None:
    figures = agreement(np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1]))
    assert [figures[name].value for name in FIGURES[:2]] == pytest.approx([1, 1 / 3])
    assert [figures[name].value for name in FIGURES[3:5]] == pytest.approx([1, 2 / 3])
