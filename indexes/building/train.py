"""Checks vectors, trains an index on a sample of them, and adds every distinct vector to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import faiss
import numpy as np

from itemsearch.indexes.arrays import Vectors
from itemsearch.indexes.building.choose import CODEWORDS, choose_spec
from itemsearch.indexes.building.held_out import held_out_below
from itemsearch.indexes.errors import BuildError
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.searching.inner_products import prefer_matrix_products
from itemsearch.indexes.storage.distinct import find_representatives, hash_rows
from itemsearch.indexes.storage.vectors import AnyVectors
from itemsearch.indexes.types import BuiltIndex, CheckedVectors, IndexSpec, IndexTraining

BATCH_ROWS = 16_384

POINTS_PER_CENTROID = 64
"""Training vectors for each centroid. FAISS takes up to 256 and warns below 39. With 64 the recall was the
same to .0002 and the training took a quarter of the time (26,000 title embeddings of 384 numbers,
IVF512,PQ48)."""

UNIT_TOLERANCE = 1e-3
"""The largest deviation of a length from 1. float16 embeddings that were normalised before rounding stay
within."""


def check_vectors(vectors: AnyVectors, progress: Progress = silent) -> CheckedVectors:
    """Checks (N, D) vectors, which may be mapped from their files, and groups identical ones.

    Raises:
        BuildError: there are no vectors, or one is not finite or not of length 1.
    """
    started = time.perf_counter()
    if not len(vectors):
        raise BuildError("there are no vectors to index")
    hashed = []
    for start, batch in _batches(vectors):
        hashed.append(hash_rows(_checked(batch, start)))
        progress("vectors checked", start + len(batch), len(vectors))
    hashes = np.concatenate(hashed)
    representative_of = find_representatives(hashes, vectors)
    representatives = np.unique(representative_of)
    return CheckedVectors(vectors, representative_of, representatives, hashes, time.perf_counter() - started)


def build_index(
    vectors: AnyVectors | CheckedVectors,
    spec: IndexSpec | None,
    device: str,
    seed: int = 0,
    progress: Progress = silent,
) -> BuiltIndex:
    """Trains an index on a sample of the vectors and adds every distinct vector.

    Args:
        vectors: (N, D), which `check_vectors` has to accept, or what it returned.
        spec: None to choose it by the number of distinct vectors.
        device: "cpu" or "cuda", where the index is trained and filled.
        seed: of the training sample and of k-means; on a CPU, equal seeds give equal indexes.

    Raises:
        BuildError: as `check_vectors`, there are fewer distinct vectors than the given spec has centroids, or
            FAISS fails, mostly for want of memory.
    """
    checked = vectors if isinstance(vectors, CheckedVectors) else check_vectors(vectors, progress)
    spec = spec or choose_spec(len(checked.representatives), checked.vectors.shape[1])
    if spec.kind == "exact":
        return BuiltIndex(spec, None, None, checked, "cpu", {"check": checked.seconds})
    started = time.perf_counter()
    hashes = checked.hashes[checked.representatives]
    training = IndexTraining(len(hashes), held_out_below(hashes))
    prefer_matrix_products(checked.vectors.shape[1])
    index = empty_index(checked.vectors.shape[1], spec, seed)
    with _faiss_errors(spec, device):
        index = to_gpu(index, spec) if device == "cuda" else index
        progress(f"training {spec.factory}")
        index.train(_sample(checked, spec, training, seed))
    trained = time.perf_counter()
    filled = fill_index(checked, spec, index, training, device, progress)
    seconds = {"check": checked.seconds, "train": trained - started, "add": filled.seconds["add"]}
    return replace(filled, seconds=seconds)


def fill_index(
    checked: CheckedVectors,
    spec: IndexSpec,
    index: Any,
    training: IndexTraining,
    device: str,
    progress: Progress = silent,
) -> BuiltIndex:
    """Adds every distinct vector to a trained, empty index.

    Args:
        index: of FAISS, on `device` or on the CPU.

    Raises:
        BuildError: FAISS fails, mostly for want of memory.
    """
    started = time.perf_counter()
    prefer_matrix_products(checked.vectors.shape[1])
    with _faiss_errors(spec, device):
        for start in range(0, len(checked.representatives), BATCH_ROWS):
            rows = checked.representatives[start : start + BATCH_ROWS]
            index.add(checked.vectors[rows])
            progress("vectors added", start + len(rows), len(checked.representatives))
        index = faiss.index_gpu_to_cpu(index) if device == "cuda" else index
    seconds = {"check": checked.seconds, "add": time.perf_counter() - started}
    return BuiltIndex(spec, index, training, checked, device, seconds)


@contextmanager
def _faiss_errors(spec: IndexSpec, device: str) -> Iterator[None]:
    """
    Raises:
        BuildError: FAISS fails, mostly for want of memory.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise BuildError(f"FAISS cannot build {spec.factory} on the {device}: {reason}") from error


def empty_index(dim: int, spec: IndexSpec, seed: int) -> Any:
    index: Any = faiss.index_factory(dim, spec.factory, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = True
    # Polysemous codes serve a filter that is not used here, and take nineteen twentieths of the training
    # time.
    index.do_polysemous_training = False
    for training in (index.cp, index.pq.cp):
        training.seed = seed
        training.min_points_per_centroid = 1
        training.max_points_per_centroid = POINTS_PER_CENTROID
    return index


def _sample(checked: CheckedVectors, spec: IndexSpec, training: IndexTraining, seed: int) -> Vectors:
    """(S, D) distinct vectors at random, without those that are held out to measure recall.

    Raises:
        BuildError: there are fewer distinct vectors than centroids.
    """
    centroids = max(spec.nlist, CODEWORDS)
    vectors, representatives = checked.vectors, checked.representatives
    if len(representatives) < centroids:
        raise BuildError(
            f"{spec.factory} needs {centroids:,} different vectors for training, the {len(vectors):,} rows "
            f"hold {len(representatives):,}: use --spec Flat"
        )
    trainable = representatives[checked.hashes[representatives] >= np.uint64(training.held_out_below)]
    size = min(len(trainable), POINTS_PER_CENTROID * centroids)
    chosen = np.random.default_rng(seed).choice(len(trainable), size, replace=False)
    sample: Vectors = vectors[trainable[np.sort(chosen)]]
    return sample


def _batches(vectors: AnyVectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), BATCH_ROWS):
        yield start, vectors[start : start + BATCH_ROWS]


def _checked(vectors: Vectors, first_row: int) -> Vectors:
    """Returns the vectors unchanged. FAISS would accept one with a NaN and never find it.

    Raises:
        BuildError: one is not finite or not of length 1.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))
    if wrong.size:
        row, length = first_row + int(wrong[0]), float(lengths[wrong[0]])
        fault = f"has length {length:.4g} instead of 1" if np.isfinite(length) else "is not finite"
        raise BuildError(f"the vector of row {row} {fault}")
    return vectors
