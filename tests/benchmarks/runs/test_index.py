from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faiss.contrib.evaluation import knn_intersection_measure

from itemsearch.benchmarks.data.synthetic_vectors import write_vectors
from itemsearch.benchmarks.data.vector_files import VectorSet, unit_length
from itemsearch.benchmarks.runs.index import nearest_scores, recalls


@pytest.fixture
def vectors() -> VectorSet:
    rng = np.random.default_rng(0)
    base, queries = rng.standard_normal((400, 16)), rng.standard_normal((30, 16))
    base[100:200] = base[:100]  # ties
    return VectorSet(*(unit_length(part.astype(np.float32)) for part in (base, queries)))


def test_recall_is_faisss_where_nothing_ties(vectors: VectorSet) -> None:
    alone = VectorSet(vectors.base[:100], vectors.queries)
    true = np.argsort(-(alone.queries @ alone.base.T), axis=1)[:, :10]
    found = true.copy()
    found[:, 5:] = np.argsort(-(alone.queries @ alone.base.T), axis=1)[:, 8:13]
    every, first = recalls(found, nearest_scores(alone, 10), alone)
    assert every.mean() == pytest.approx(knn_intersection_measure(found, true))
    assert first.mean() == 1


def test_ties_are_right_and_missing_or_repeated_rows_are_not(vectors: VectorSet) -> None:
    truth = nearest_scores(vectors, 4)
    scores = vectors.queries @ vectors.base.T
    best = np.argsort(-scores, axis=1)[:, :4]
    twins = np.where(best < 100, best + 100, np.where(best < 200, best - 100, best))
    assert (recalls(twins, truth, vectors)[0] == 1).all()
    none = np.full_like(best, -1)
    assert (recalls(none, truth, vectors)[0] == 0).all()
    assert (recalls(np.repeat(best[:, :1], 4, axis=1), truth, vectors)[0] == 0.25).all()


def test_indexes_are_compared(benchmark: Callable[..., Any], tmp_path: Path) -> None:
    write_vectors(tmp_path / "vectors", 11_000, 16, seed=0)
    metrics = benchmark(
        "index", tmp_path / "vectors", "--out", tmp_path / "run", "--max-queries", "50", "-k", "5"
    )
    points = {(point["name"], point["effort"]): point for point in metrics["points"]}
    without_reranking = "FAISS IVF-PQ, no re-ranking"
    families = {"FAISS Flat", "FAISS HNSW", "FAISS IVF-Flat", without_reranking, "usearch HNSW"}
    assert {name for name, _ in points} == {"itemsearch", *families}
    assert points["FAISS Flat", 0]["k_recall"]["value"] == 1
    assert points["FAISS HNSW", 256]["k_recall"]["value"] > 0.95
    assert points["usearch HNSW", 256]["k_recall"]["value"] > 0.9
    ours, theirs = (points[name, 64]["k_recall"]["value"] for name in ("itemsearch", without_reranking))
    assert ours > theirs
    assert all(p["p50_ms"] <= p["p95_ms"] <= p["p99_ms"] for p in metrics["points"])
    assert "| itemsearch |" in (tmp_path / "run" / "report.md").read_text()
