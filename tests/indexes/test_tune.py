from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from support.vectors import clustered, saved

from itemsearch.indexes.building.choose import candidate_specs, choose_spec, memory_bytes
from itemsearch.indexes.building.held_out import held_out_below
from itemsearch.indexes.building.measure import RecallQueries, measure_recall
from itemsearch.indexes.building.target import BuildOptions, build_files
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.building.tune import halves, target_missed, tune
from itemsearch.indexes.errors import DamagedIndexError, QueryError, TargetError
from itemsearch.indexes.searching.params import SearchParams, Tuning, default_params, read_tuning, save_tuning
from itemsearch.indexes.searching.vector_index import VectorIndex, Vectors
from itemsearch.indexes.storage.distinct import hash_rows
from itemsearch.indexes.storage.vectors import VECTORS, create_vectors
from itemsearch.indexes.types import IndexSpec, Target


@pytest.fixture(scope="module")
def large() -> Vectors:
    return clustered(12_000)


@pytest.fixture(scope="module")
def folder(large: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ivfpq")
    saved(made, large, choose_spec(*large.shape))
    return made


def test_what_is_held_out_is_never_trained_on(large: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Vectors] = []
    train = faiss.IndexIVFPQ.train

    def record(index: Any, sample: Vectors) -> None:
        trained.append(sample.copy())
        train(index, sample)

    monkeypatch.setattr(faiss.IndexIVFPQ, "train", record)
    index: Any = build_index(large, IndexSpec("ivfpq", 256, 4), "cpu").index
    hashes = hash_rows(large)
    left_out = np.flatnonzero(hashes < np.uint64(held_out_below(hashes)))
    assert len(left_out) == len(large) // 20
    assert len(trained[0]) == len(large) - len(left_out)
    assert not {row.tobytes() for row in trained[0]} & {row.tobytes() for row in large[left_out]}
    assert index.ntotal == len(large)


@pytest.fixture(scope="module")
def tuning(folder: Path) -> Tuning:
    return tune(folder, Target(0.9))


def test_the_cheapest_point_that_reaches_the_target_is_chosen(folder: Path, tuning: Tuning) -> None:
    assert tuning.reached
    assert tuning.chosen.params in [point.params for point in tuning.points]
    recalls = [point.recall for point in tuning.points]
    assert recalls == sorted(recalls)
    assert [p.mean_ms for p in tuning.points] == sorted(p.mean_ms for p in tuning.points)
    index = VectorIndex.open(folder)
    fresh = halves(index)[1]
    again = measure_recall(index, RecallQueries.from_index(index, fresh, 10), tuning.chosen.params)
    assert again == tuning.chosen.recall >= 0.9
    assert tuning.chosen.params.nprobe < index.spec.nlist


def test_searches_use_what_was_chosen_and_scale_it_with_k(
    folder: Path, large: Vectors, tuning: Tuning
) -> None:
    index = VectorIndex.open(folder)
    assert index.params(10) == default_params(index.spec, 10)
    save_tuning(folder, tuning)
    try:
        index = VectorIndex.open(folder)
        chosen = tuning.chosen.params
        assert index.tuning == tuning
        assert index.params(1) == index.params(10) == chosen
        assert index.params(40) == SearchParams(2 * chosen.nprobe, 4 * chosen.candidates)
        expected = index.search(large[:20], 10, chosen)[1]
        assert index.search(large[:20], 10)[1].tolist() == expected.tolist()
        more = RecallQueries.from_index(index, halves(index)[1], 50)
        assert measure_recall(index, more, index.params(50)) > measure_recall(index, more, chosen)
        (folder / "search.json").write_text("{}")
        with pytest.raises(DamagedIndexError, match=r"search\.json"):
            VectorIndex.open(folder)
    finally:
        (folder / "search.json").unlink()
    assert read_tuning(folder) is None


def test_an_exact_index_finds_all(tmp_path: Path) -> None:
    saved(tmp_path, clustered(80, 8), IndexSpec("exact"))
    tuning = tune(tmp_path, Target(1.0))
    assert (tuning.reached, tuning.chosen.recall, tuning.chosen.queries) == (True, 1.0, 40)
    assert not tune(tmp_path, Target(1.0, max_ms=1e-6)).reached
    saved(tmp_path / "one", clustered(8, 8)[:1], IndexSpec("exact"))
    with pytest.raises(QueryError, match="cannot be measured on 1 different"):
        tune(tmp_path / "one", Target(1.0))


def test_longer_codes_are_built_until_the_target_is_reached(large: Vectors, tmp_path: Path) -> None:
    stored = create_vectors(tmp_path, *large.shape)
    stored[:] = large
    stored.flush()
    order = np.arange(len(large))
    sizes = len(large), len(large), large.shape[1]
    tight = Target(0.8, max_bytes=memory_bytes(IndexSpec("ivfpq", 256, 1), *sizes), max_ms=1e-6)
    with pytest.raises(TargetError, match=r"was not reached: best found .* IVF256,PQ1, nprobe"):
        build_files(tmp_path, order, BuildOptions(None, "cpu", target=tight))
    assert not (tmp_path / "search.json").exists()
    report = build_files(tmp_path, order, BuildOptions(None, "cpu", target=Target(0.9)))
    assert list(report.seconds) == ["check", "train", "add", "tune"]
    tuning = read_tuning(tmp_path)
    assert tuning
    assert tuning.reached
    assert tuning.chosen.spec == VectorIndex.open(tmp_path).spec.factory


def test_specs_are_tried_by_rising_bytes_within_the_memory() -> None:
    def factories(target: Target) -> list[str]:
        return [spec.factory for spec in candidate_specs(1_000_000, 900_000, 384, target)]

    assert factories(Target(0.9)) == ["IVF2048,PQ48", "IVF2048,PQ64", "IVF2048,PQ96"]
    timed = factories(Target(0.9, max_ms=5))
    assert timed[:3] == ["IVF2048,PQ48", "IVF4096,PQ48", "IVF2048,PQ64"]
    assert factories(Target(0.9, max_bytes=110 * 10**6)) == ["IVF2048,PQ48", "IVF2048,PQ64"]
    assert factories(Target(0.9, max_bytes=72 * 10**6)) == ["IVF2048,PQ24"]
    with pytest.raises(TargetError, match=r"no index of 1,000,000 rows fits in 1,024 bytes; the smallest"):
        factories(Target(0.9, max_bytes=1024))
    given = IndexSpec("ivfpq", 100, 8)
    assert candidate_specs(50_000, 50_000, 384, Target(0.9), given) == [given]
    assert candidate_specs(500, 500, 384, Target(0.9)) == [IndexSpec("exact")]


def test_memory_is_what_the_files_take(large: Vectors, folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.name not in (VECTORS, "index.json", "search.json")]
    taken = sum(path.stat().st_size for path in files)
    assert memory_bytes(choose_spec(*large.shape), len(large), *large.shape) == pytest.approx(taken, rel=0.01)


def test_a_missed_target_is_told_in_one_line(tuning: Tuning) -> None:
    target = Target(0.9, max_ms=1e-6)
    assert not replace(tuning, target=target).reached
    told = str(target_missed(target, tuning.chosen))
    assert "recall@10 of 0.9 within 1e-06 ms was not reached" in told
    assert "nothing was published" in told
    assert "\n" not in told
