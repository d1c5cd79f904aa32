from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmarks.metrics import Interval, accuracy, macro_f1, rank_of_right, recall_at


def slow_rank(scores: list[float], right: list[int], own: int) -> int:
    best = max(scores[row] for row in right)
    others = [row for row in range(len(scores)) if row not in right and row != own]
    return 1 + sum(scores[row] >= best for row in others)


def test_ranks_are_as_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = rng.integers(0, 6, 12).astype(np.float32)  # few values, so that many tie
        right = rng.choice(12, 2, replace=False)
        own = int(rng.choice([-1, *(row for row in range(12) if row not in right)]))
        assert rank_of_right(scores, right, own) == slow_rank(scores.tolist(), right.tolist(), own)


def test_ties_count_against() -> None:
    assert rank_of_right(np.ones(5, np.float32), np.array([0]), -1) == 5
    assert rank_of_right(np.ones(5, np.float32), np.array([0]), 4) == 4


def test_recall_and_its_interval() -> None:
    ranks = np.array([1] * 60 + [3] * 20 + [50] * 20)
    assert recall_at(ranks, 1).value == 0.6
    assert recall_at(ranks, 5).value == 0.8
    interval = recall_at(ranks, 1)
    # The normal approximation of a share of .6 of 100: .6 plus and minus 1.96 * .049.
    assert interval.low == pytest.approx(0.504, abs=0.015)
    assert interval.high == pytest.approx(0.696, abs=0.015)
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"


def test_labels_are_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(list("aabbbcd"), 300).tolist()
    found = [label if rng.random() < 0.7 else "x" for label in truth]
    labels = sorted(set(truth))
    assert macro_f1(truth, found).value == pytest.approx(
        f1_score(truth, found, labels=labels, average="macro", zero_division=0)
    )
    assert accuracy(truth, found).value == pytest.approx(np.mean(np.array(truth) == np.array(found)))
    interval = macro_f1(truth, found)
    assert interval.low < interval.value < interval.high


def test_labels_of_one_or_two_rows_do_not_lift_the_interval_above_the_figure() -> None:
    truth = ["common"] * 200 + [f"rare {row // 2}" for row in range(100)]
    found = [label if row % 3 else "common" for row, label in enumerate(truth)]
    interval = macro_f1(truth, found)
    assert interval.low < interval.value < interval.high
