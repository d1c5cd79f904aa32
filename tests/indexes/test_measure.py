from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from support.vectors import clustered, saved

from itemsearch.indexes.building.measure import RecallQueries, measure_recall, measure_speed, one_thread
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.vector_index import Rows, VectorIndex, Vectors
from itemsearch.indexes.types import IndexSpec


def corners(rows: int, dim: int, seed: int) -> Vectors:
    """Corners of a cube: many the very same, and very many equally far from one another."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (rows, dim))
    return (signs / np.sqrt(dim)).astype(np.float32)


def slow_recall(index: VectorIndex, entries: Rows, k: int, params: SearchParams) -> float:
    """Every other different vector compared in float64, one query after another."""
    different = index.vectors[index.distinct.first_rows(np.arange(len(index.distinct)))].astype(np.float64)
    shares = []
    for entry in entries.tolist():
        scores = different @ different[entry]
        least = sorted(np.delete(scores, entry).tolist(), reverse=True)[:k][-1]
        query = different[entry].astype(np.float32)[None]
        found = index.search_entries(query, k + 1, params)[1][0].tolist()
        others = [number for number in found if number not in (entry, -1)][:k]
        shares.append(sum(scores[number] >= least - 1e-9 for number in others) / k)
    return float(np.mean(shares))


@pytest.mark.parametrize(("dim", "k", "seed"), [(12, 1, 0), (12, 5, 1), (16, 10, 2), (16, 40, 3)])
def test_recall_is_the_slow_obvious_one_where_many_tie(dim: int, k: int, seed: int, tmp_path: Path) -> None:
    index = saved(tmp_path, corners(700, dim, seed), IndexSpec("ivfpq", 8, 4))
    entries = np.random.default_rng(seed).choice(len(index.distinct), 50, replace=False)
    asked = RecallQueries.from_index(index, entries, k)
    recalls = []
    for params in (SearchParams(1, k + 1), SearchParams(3, 2 * k), SearchParams(8, 700)):
        recalls.append(measure_recall(index, asked, params))
        assert recalls[-1] == pytest.approx(slow_recall(index, entries, k, params))
    assert recalls[0] < recalls[-1] == 1


def test_an_equal_score_is_right_and_the_query_itself_is_not(tmp_path: Path) -> None:
    vectors = np.eye(50, dtype=np.float32)[np.r_[0:50, 0, 0, 0]]
    index = saved(tmp_path, vectors, IndexSpec("exact"))
    asked = RecallQueries.from_index(index, np.array([0, 7]), 3)
    assert asked.least.tolist() == [0, 0]  # not 1, of the three rows that are the very same as the query
    scores = np.array([[1, 0, 0, 0, -np.inf]] * 2, np.float32)
    right = asked.are_right(scores, np.array([[0, 1, 2, 49, -1], [7, 0, 48, 49, -1]]))
    assert right.tolist() == [[False, True, True, True, False]] * 2
    assert measure_recall(index, asked, SearchParams(0, 0)) == 1


def test_fewer_vectors_than_asked_for_can_all_be_found(tmp_path: Path) -> None:
    index = saved(tmp_path, clustered(24, 4), IndexSpec("exact"))
    asked = RecallQueries.from_index(index, np.arange(5), 100)
    assert asked.k == 23
    assert measure_recall(index, asked, SearchParams(0, 0)) == 1


def test_speed_is_told_and_threads_are_given_back(tmp_path: Path) -> None:
    index = saved(tmp_path, clustered(400, 8), IndexSpec("ivfpq", 4, 2))
    asked = RecallQueries.from_index(index, np.arange(40), 5)
    before = faiss.omp_get_max_threads()
    with one_thread():
        assert faiss.omp_get_max_threads() == 1
    speed = measure_speed(index, asked, SearchParams(2, 20))
    assert faiss.omp_get_max_threads() == before
    assert speed.mean_ms > 0
    assert speed.p99_ms > 0
    assert speed.queries_per_second > 0
