"""Warm starts of an index: the training of the current version is reused, or refused with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import faiss
import numpy as np
import pytest
from support.vectors import clustered

from itemsearch.indexes.arrays import Vectors
from itemsearch.indexes.building.target import BuildOptions, FilesReport, build_files
from itemsearch.indexes.building.warm_start import WarmStart
from itemsearch.indexes.searching.params import read_tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.distinct import hash_rows
from itemsearch.indexes.storage.files import FAISS_INDEX, read_files_summary
from itemsearch.indexes.storage.publish import staging
from itemsearch.indexes.storage.vectors import create_vectors
from itemsearch.indexes.storage.versions import Version, current_version
from itemsearch.indexes.types import IndexSpec, Target

ROWS = 12_000
TARGET = Target(0.9)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return clustered(ROWS + 4000)


@pytest.fixture
def root(tmp_path: Path, vectors: Vectors) -> Path:
    """An index of the first `ROWS` vectors, tuned."""
    assert (
        publish(tmp_path / "index", vectors[:ROWS], None).training == "trained: as every build is by itself"
    )
    return tmp_path / "index"


def publish(
    root: Path,
    vectors: Vectors,
    warm_start: WarmStart | None,
    target: Target = TARGET,
    spec: IndexSpec | None = None,
) -> FilesReport:
    with staging(root) as stage:
        create_vectors(stage.folder, *vectors.shape)[:] = vectors
        options = BuildOptions(spec, "cpu", target=target, warm_start=warm_start)
        report = build_files(stage.folder, np.arange(len(vectors)), options)
        stage.publish({}, keep=9)
    return report


def kept(root: Path, ratio: float = 0.2) -> WarmStart:
    return WarmStart(current_version(root), ratio)


def learnt(version: Version) -> list[Vectors]:
    """Centroids and codebooks."""
    index = faiss.read_index(str(version.folder / FAISS_INDEX))
    return [index.quantizer.reconstruct_n(0, index.nlist), faiss.vector_to_array(index.pq.centroids)]


def test_what_was_learnt_is_kept_and_every_vector_is_found(root: Path, vectors: Vectors) -> None:
    first = current_version(root)
    tonight = vectors[120 : ROWS + 120]
    report = publish(root, tonight, kept(root))
    assert report.training.startswith(
        "kept: the training of version 1, of 12,000 different vectors, gives 12,000 a recall@10 of 0.9"
    )
    assert list(report.seconds) == ["check", "add", "measure"]
    second = current_version(root)
    assert all(np.array_equal(*pair) for pair in zip(learnt(first), learnt(second), strict=True))
    index = VectorIndex.open(second.folder)
    assert index.index.ntotal == ROWS
    assert index.search(tonight, 1)[1][:, 0].tolist() == list(range(ROWS))
    before, after = read_tuning(first.folder), read_tuning(second.folder)
    assert before
    assert after
    assert after.chosen.params == before.chosen.params
    assert after.chosen.recall >= TARGET.recall
    assert after.points == (after.chosen,)
    # Of a third version, what is told is still of the one that was trained.
    assert "kept: the training of version 1, of" in publish(root, vectors[:ROWS], kept(root)).training


def test_it_is_measured_on_vectors_that_were_never_trained_on(
    root: Path, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Vectors] = []
    train = faiss.IndexIVFPQ.train
    monkeypatch.setattr(
        faiss.IndexIVFPQ, "train", lambda index, sample: (trained.append(sample.copy()), train(index, sample))
    )
    publish(root, vectors[:ROWS], None)
    for shift in (300, 600):
        publish(root, vectors[shift : ROWS + shift], kept(root))
    assert len(trained) == 1
    index = VectorIndex.open(current_version(root).folder)
    asked = index.vectors[index.distinct.first_rows(index.held_out())]
    assert len(asked) > 400
    assert not set(hash_rows(trained[0]).tolist()) & set(hash_rows(asked).tolist())


def test_drift_trains_anew(root: Path, vectors: Vectors) -> None:
    # Growth adds up: 14,000 are few more than the night before, and many more than at the training.
    assert publish(root, vectors[:13_000], kept(root, 0.1)).training.startswith("kept: ")
    grown = publish(root, vectors[:14_000], kept(root, 0.1)).training
    assert grown == "trained: 14,000 different vectors instead of 12,000, a change of more than 10%"
    training = read_files_summary(current_version(root).folder).training
    assert training
    assert training.vectors == 14_000
    assert publish(root, vectors[:9900], kept(root, 1.0)).training == "none: an exact index needs none"
    assert publish(root, vectors[:ROWS], kept(root)).training == "trained: version 4 is exact"


def test_a_recall_under_the_target_trains_anew(root: Path) -> None:
    blind = clustered(ROWS)
    blind[:, :16] *= 1e-3
    blind /= np.linalg.norm(blind, axis=1, keepdims=True)
    publish(root, blind, None)
    report = publish(root, np.ascontiguousarray(np.roll(blind, 16, axis=1)), kept(root))
    assert re.fullmatch(
        r"trained: the training of version 2, of 12,000 different vectors, gives 12,000 a recall@10 of "
        r"0\.\d{4}, and the target is 0\.9",
        report.training,
    )
    assert list(report.seconds) == ["check", "train", "add", "tune"]
    tuning = read_tuning(current_version(root).folder)
    assert tuning
    assert tuning.reached


def test_another_kind_of_index_is_trained_anew(root: Path, vectors: Vectors) -> None:
    told = "trained: version {} was built to be another kind of index"
    report = publish(root, vectors[:ROWS], kept(root), target=Target(0.8))
    assert report.training == told.format(1)
    report = publish(root, vectors[:ROWS], kept(root), Target(0.8), IndexSpec("ivfpq", 64, 8))
    assert report.training == told.format(2)


def test_a_damaged_training_is_named_and_not_kept(root: Path, vectors: Vectors) -> None:
    path = current_version(root).folder / FAISS_INDEX
    whole = path.read_bytes()
    path.write_bytes(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])
    report = publish(root, vectors[:ROWS], kept(root))
    assert report.training.startswith(f"trained: version 1 is damaged: {path}: altered")
