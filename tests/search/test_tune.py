from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.vectors import clustered

from itemsearch import Engine
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.storage.versions import current_version, read_pointer, verify_version
from itemsearch.indexes.types import Target
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.search.tune import tune_index_folder


def write_vectors(path: Path, rows: int, dim: int) -> Path:
    vectors = clustered(rows, dim)
    pq.write_table(pa.table({"id": [f"p{row}" for row in range(rows)], "embedding": list(vectors)}), path)
    return path


def test_tuning_publishes_a_version_that_shares_the_rest(tmp_path: Path) -> None:
    vectors, folder = write_vectors(tmp_path / "v.parquet", 10_000, 16), tmp_path / "index"
    assert build_index_folder(vectors, folder).tuning is None
    first = current_version(folder)
    with pytest.raises(GateError, match="was not reached: best found"):
        tune_index_folder(folder, Target(0.9, max_ms=1e-6))
    assert read_pointer(folder).numbers == [1]
    summary = tune_index_folder(folder, Target(0.8))
    second = current_version(folder)
    assert (summary.version, read_pointer(folder).numbers) == (2, [1, 2])
    assert (second.folder / "vectors.npy").samefile(first.folder / "vectors.npy")
    assert not (first.folder / "search.json").exists()
    assert summary.tuning
    assert summary.tuning.chosen.recall >= 0.8
    assert summary.nprobe == summary.tuning.chosen.params.nprobe
    assert Engine.open(folder).index.params(10) == summary.tuning.chosen.params
    verify_version(second)
    assert build_index_folder(vectors, folder).tuning is None  # of another night's vectors nothing is known


def test_a_tuned_version_passes_the_gate_and_others_give_way_to_it(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index_folder(store, folder)
    assert tune_index_folder(folder, Target(0.9), keep=1).version == 2
    assert read_pointer(folder).numbers == [2]
    id_order = current_version(folder).folder / "id_order.npy"
    np.save(id_order, np.load(id_order)[::-1])
    with pytest.raises(GateError, match="is not where it is looked for"):
        tune_index_folder(folder, Target(0.9))
    assert read_pointer(folder).numbers == [2]


def test_an_index_that_misses_the_target_is_not_published(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with pytest.raises(GateError, match=r"best found 1\.0000 with Flat"):
        build_index_folder(store, folder, IndexConfig(target=Target(0.9, max_ms=1e-6)))
    assert not (folder / "CURRENT").exists()
    with pytest.raises(GateError, match="no index of 60 rows fits in 100 bytes"):
        build_index_folder(store, folder, IndexConfig(target=Target(0.9, max_bytes=100)))
    tuned = build_index_folder(store, folder, IndexConfig(target=Target(1.0)))
    assert tuned.version == 1
    assert tuned.tuning
    assert tuned.tuning.chosen.recall == 1
    assert read_summary(folder) == tuned


def test_what_is_no_index_is_not_tuned_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="no such index"):
        tune_index_folder(tmp_path / "none", Target(0.9))
    assert not (tmp_path / "none").exists()
