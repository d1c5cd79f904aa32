from __future__ import annotations

import pyarrow as pa
import pytest

from itemsearch.benchmarks.metrics.pair_truth import pair_truth, true_pairs, unordered
from itemsearch.errors import MissingColumnError


def test_worked_example() -> None:
    labels = pa.table({"id": ["a", "b", "c", "d"], "group": [1, 1, 1, 2]})
    figures = pair_truth(unordered([("b", "a"), ("c", "d"), ("a", "b")]), true_pairs(labels, "labels.csv"))
    assert (figures.found, figures.true, figures.right) == (2, 3, 1)
    assert (figures.precision, figures.recall) == (1 / 2, 1 / 3)
    assert figures.f1 == pytest.approx(2 / 5)


def test_pairs_with_and_without_the_column_same() -> None:
    pairs = {"id_a": ["b", "a"], "id_b": ["a", "c"]}
    assert true_pairs(pa.table(pairs), "p") == {("a", "b"), ("a", "c")}
    assert true_pairs(pa.table({**pairs, "same": ["true", "No"]}), "p") == {("a", "b")}


def test_nothing_found_and_nothing_true() -> None:
    nothing, one = unordered([]), unordered([("a", "b")])
    assert (pair_truth(nothing, one).precision, pair_truth(nothing, one).recall) == (1.0, 0.0)
    assert (pair_truth(one, nothing).precision, pair_truth(one, nothing).recall) == (0.0, 1.0)
    assert pair_truth(one, nothing).f1 == 0.0
    assert pair_truth(nothing, nothing).f1 == 1.0


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumnError, match=r"t\.csv.*id and group"):
        true_pairs(pa.table({"id": ["a"], "product": ["b"]}), "t.csv")
