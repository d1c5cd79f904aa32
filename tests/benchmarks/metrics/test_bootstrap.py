from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from itemsearch.benchmarks.metrics.bootstrap import Interval, number, resample_curve, resample_means
from itemsearch.benchmarks.metrics.macro_f1 import resample_macro_f1
from itemsearch.benchmarks.metrics.ranked import PairCurve, best_rows, collect


def test_the_interval_of_a_share() -> None:
    hits = np.array([1.0] * 60 + [0.0] * 40)
    interval = resample_means({"share": hits}, np.arange(100))["share"].interval
    # The normal approximation of a share of .6 of 100: .6 plus and minus 1.96 * .049.
    assert interval.value == 0.6
    assert interval.low == pytest.approx(0.504, abs=0.015)
    assert interval.high == pytest.approx(0.696, abs=0.015)
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert Interval(-0.5, -0.75, 0.25).signed() == "-0.500 (-0.750 to +0.250)"


def test_queries_of_one_product_are_drawn_together() -> None:
    hits = np.repeat([1.0, 0.0], 50)
    alone = resample_means({"share": hits}, np.arange(100))["share"].interval
    products = number([f"p{query // 10}" for query in range(100)])
    together = resample_means({"share": hits}, products)["share"].interval
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_differences_are_paired() -> None:
    hits = np.random.default_rng(0).random(200) < 0.5
    better = hits.copy()
    better[np.flatnonzero(~hits)[:6]] = True
    resampled = resample_means({"a": better.astype(float), "b": hits.astype(float)}, np.arange(200))
    difference = (resampled["a"] - resampled["b"]).interval
    assert difference.value == pytest.approx(0.03)
    assert difference.low > 0  # six of two hundred: far less than either interval is wide
    apart = resample_means({"b": hits.astype(float)}, np.arange(200))["b"]
    assert (apart.drawn == resampled["b"].drawn).all()  # drawn alike in another run


def test_curves_are_drawn_as_means_are() -> None:
    rng = np.random.default_rng(1)
    right = [np.array([row]) for row in range(80)]
    scores = rng.random((80, 80)).astype(np.float32) + np.eye(80, dtype=np.float32) * 0.6
    kept = [best_rows(score, row, -1, 10) for score, row in zip(scores, right, strict=True)]
    figures = resample_curve(PairCurve.of(collect(kept, right, 10)), np.arange(80))
    for figure in figures.values():
        assert figure.interval.low <= figure.value <= figure.interval.high
        assert figure.interval.low < figure.interval.high


def test_labels_are_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(list("aabbbcd"), 300).tolist()
    found = [label if rng.random() < 0.7 else "x" for label in truth]
    figure = resample_macro_f1(truth, found)
    labels = sorted(set(truth))
    assert figure.value == pytest.approx(
        f1_score(truth, found, labels=labels, average="macro", zero_division=0)
    )
    assert figure.interval.low < figure.value < figure.interval.high


def test_labels_of_one_or_two_rows_do_not_lift_the_interval_above_the_figure() -> None:
    truth = ["common"] * 200 + [f"rare {row // 2}" for row in range(100)]
    found = [label if row % 3 else "common" for row, label in enumerate(truth)]
    figure = resample_macro_f1(truth, found)
    assert figure.interval.low < figure.value < figure.interval.high
