from __future__ import annotations

import numpy as np

from itemsearch.benchmarks.data.true_pairs import pair_keys
from itemsearch.benchmarks.methods.pair_rules import (
    CLEAR,
    CONNECTED,
    FIXED,
    MUTUAL,
    ScoredPairs,
    decide_by_rules,
    nearest_pairs,
)


def decided(labels: list[int]) -> dict[str, list[tuple[int, int]]]:
    pairs = ScoredPairs(
        np.array([0, 0, 1, 3, 5]), np.array([1, 2, 2, 4, 6]), np.array([0.95, 0.92, 0.6, 0.5, 0.91])
    )
    return {
        rule: sorted(zip(a.tolist(), b.tolist(), strict=True))
        for rule, (a, b) in decide_by_rules(pairs, np.array(labels)).items()
    }


def test_each_rule_chooses_its_pairs() -> None:
    rules = decided([0, 1, 2, 3, 4, 5, 6])
    assert rules[MUTUAL] == [(0, 1), (3, 4), (5, 6)]
    assert rules[CLEAR] == [(3, 4), (5, 6)]  # 0-1 is only .03 above 0-2
    assert rules[FIXED] == [(0, 1), (0, 2), (5, 6)]
    assert rules[CONNECTED] == [(0, 1), (0, 2), (1, 2), (5, 6)]


def test_pairs_of_one_seller_are_connected_but_not_chosen() -> None:
    assert decided([0, 1, 1, 0, 1, 0, 1])[CONNECTED] == [(0, 1), (0, 2), (5, 6)]


def test_equal_scores_are_nobodys_best() -> None:
    pairs = ScoredPairs(np.array([0, 0]), np.array([1, 2]), np.array([0.9, 0.9]))
    a, _ = decide_by_rules(pairs, np.arange(3))[MUTUAL]
    assert len(a) == 0


def test_nearest_pairs_are_across_labels_and_each_once() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.array([0, 1, -1] * 4)  # a third of an unknown seller: compared with nobody
    pairs = nearest_pairs(lambda rows: vectors[rows] @ vectors.T, labels)
    keys = pair_keys(pairs.a, pairs.b, 12)
    assert len(keys) == len(set(keys.tolist())) == 16
    assert {tuple(sorted((labels[a], labels[b]))) for a, b in zip(pairs.a, pairs.b, strict=True)} == {(0, 1)}
    assert np.allclose(pairs.scores, (vectors[pairs.a] * vectors[pairs.b]).sum(axis=1), atol=1e-6)
