from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from faiss.contrib.evaluation import knn_intersection_measure

from itemsearch.benchmarks.data.synthetic_vectors import write_vectors
from itemsearch.benchmarks.data.vector_files import VectorSet, read_vector_set, read_vectors
from itemsearch.benchmarks.runs.index import nearest_scores, recalls
from itemsearch.errors import StoreError, UsageError


def write_vecs(path: Path, vectors: np.ndarray) -> Path:
    """As the sets of the IRISA are written: the dimension, then the numbers, of each vector."""
    with path.open("wb") as file:
        for vector in vectors:
            file.write(np.int32(len(vector)).tobytes() + vector.tobytes())
    return path


@pytest.fixture
def held() -> VectorSet:
    rng = np.random.default_rng(0)
    base, queries = rng.standard_normal((400, 16)), rng.standard_normal((30, 16))
    base[100:200] = base[:100]  # ties
    unit = [(v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32) for v in (base, queries)]
    return VectorSet(*unit)


def test_recall_is_faisss_where_nothing_ties(held: VectorSet) -> None:
    alone = VectorSet(held.base[:100], held.queries)
    true = np.argsort(-(alone.queries @ alone.base.T), axis=1)[:, :10]
    found = true.copy()
    found[:, 5:] = np.argsort(-(alone.queries @ alone.base.T), axis=1)[:, 8:13]
    every, first = recalls(found, nearest_scores(alone, 10), alone)
    assert every.mean() == pytest.approx(knn_intersection_measure(found, true))
    assert first.mean() == 1


def test_what_ties_is_right_and_what_is_missing_or_twice_is_not(held: VectorSet) -> None:
    truth = nearest_scores(held, 4)
    scores = held.queries @ held.base.T
    best = np.argsort(-scores, axis=1)[:, :4]
    twins = np.where(best < 100, best + 100, np.where(best < 200, best - 100, best))
    assert (recalls(twins, truth, held)[0] == 1).all()
    none = np.full_like(best, -1)
    assert (recalls(none, truth, held)[0] == 0).all()
    assert (recalls(np.repeat(best[:, :1], 4, axis=1), truth, held)[0] == 0.25).all()


def test_vectors_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 200, (50, 8))
    for suffix, kind in ((".fvecs", np.float32), (".ivecs", np.int32), (".bvecs", np.uint8)):
        assert (read_vectors(write_vecs(tmp_path / f"x{suffix}", numbers.astype(kind))) == numbers).all()
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["train"], file["test"] = numbers.astype(np.float32), numbers[:5].astype(np.float32)
    held = read_vector_set(tmp_path / "x.hdf5", None, 1000, 0)
    assert (held.base.shape, held.queries.shape) == ((50, 8), (5, 8))
    np.testing.assert_allclose(np.linalg.norm(held.base, axis=1), 1, rtol=1e-6)
    taken = read_vector_set(tmp_path / "x.fvecs", None, 1000, 0)
    assert (len(taken.base), len(taken.queries)) == (45, 5)


def test_damaged_vectors_are_told(tmp_path: Path) -> None:
    path = write_vecs(tmp_path / "x.fvecs", np.ones((5, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="no whole vectors of 4 numbers"):
        read_vectors(path)
    (tmp_path / "x.hdf5").write_bytes(b"nothing")
    with pytest.raises(StoreError, match="no dataset 'train'"):
        read_vectors(tmp_path / "x.hdf5")
    with pytest.raises(StoreError, match="No such file"):
        read_vectors(tmp_path / "y.bvecs")
    other = write_vecs(tmp_path / "q.fvecs", np.ones((5, 3), np.float32))
    with pytest.raises(UsageError, match="queries of 3 numbers"):
        read_vector_set(write_vecs(path, np.ones((5, 4), np.float32)), other, 10, 0)


def test_indexes_are_compared(benchmark: Callable[..., Any], tmp_path: Path) -> None:
    write_vectors(tmp_path / "vectors", 11_000, 16, seed=0)
    metrics = benchmark("index", tmp_path / "vectors", "--out", tmp_path / "run", "--asked", "50", "-k", "5")
    points = {(point["name"], point["effort"]): point for point in metrics["points"]}
    unranked_name = "FAISS IVF-PQ, no re-ranking"
    families = {"FAISS Flat", "FAISS HNSW", "FAISS IVF-Flat", unranked_name, "usearch HNSW"}
    assert {name for name, _ in points} == {"itemsearch", *families}
    assert points["FAISS Flat", 0]["k_recall"]["value"] == 1
    assert points["FAISS HNSW", 256]["k_recall"]["value"] > 0.95
    assert points["usearch HNSW", 256]["k_recall"]["value"] > 0.9
    ranked, unranked = (
        points[name, 64]["k_recall"] for name in ("itemsearch", "FAISS IVF-PQ, no re-ranking")
    )
    assert ranked["value"] > unranked["value"]
    assert all(p["p50_ms"] <= p["p95_ms"] <= p["p99_ms"] for p in metrics["points"])
    assert "| itemsearch |" in (tmp_path / "run" / "report.md").read_text()
