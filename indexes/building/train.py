"""Trains an index and adds every different vector to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import faiss
import numpy as np

from itemsearch.indexes.arrays import Hashes, Rows, Vectors
from itemsearch.indexes.building.choose import CODEWORDS, IndexSpec, choose_spec
from itemsearch.indexes.building.held_out import held_out_below
from itemsearch.indexes.errors import BuildError
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.searching.inner_products import prefer_matrix_products
from itemsearch.indexes.storage.distinct import find_heads, hash_rows

BATCH_ROWS = 16_384

POINTS_PER_CENTROID = 64
"""Training vectors a centroid. FAISS takes up to 256 and warns below 39: with 64 recall was the same to
.0002 and training four times shorter (26,000 title embeddings of 384 numbers, IVF512,PQ48)."""

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1: float16 embeddings, normalised before rounding, stay within."""


@dataclass(frozen=True, slots=True)
class CheckedVectors:
    """(N, D) vectors that can be indexed, and which of them are the very same.

    heads (N,): the lowest row with the same vector as each row; leaders (G,): the rows that are their own
    heads; hashes (N,). seconds: what checking took.
    """

    vectors: Vectors
    heads: Rows
    leaders: Rows
    hashes: Hashes
    seconds: float


@dataclass(frozen=True, slots=True)
class Training:
    """How an index came by its centroids and codebooks.

    vectors: how many different ones there were. held_out_below: vectors of a lower hash had no part in it.
    version: of the index folder, the one that was trained; 0 for the one that says so.
    """

    vectors: int
    held_out_below: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """`index` is FAISS's, on the CPU; its ids number the `leaders` of `checked`. The exact kind needs none,
    and no training: both are None."""

    spec: IndexSpec
    index: Any | None
    training: Training | None
    checked: CheckedVectors
    device: str
    seconds: Mapping[str, float]


def check_vectors(vectors: Vectors) -> CheckedVectors:
    """Checks (N, D) float32 vectors of length 1, which may be mapped from a file.

    Raises:
        BuildError: no vectors, or one that is not finite or not of length 1.
    """
    started = time.perf_counter()
    if not len(vectors):
        raise BuildError("there are no vectors to index")
    hashes = np.concatenate([hash_rows(_checked(batch, start)) for start, batch in _batches(vectors)])
    heads = find_heads(hashes, vectors)
    return CheckedVectors(vectors, heads, np.unique(heads), hashes, time.perf_counter() - started)


def build_index(
    vectors: Vectors | CheckedVectors, spec: IndexSpec | None, device: str, seed: int = 0
) -> BuiltIndex:
    """Builds an index over vectors that `check_vectors` takes, or has checked.

    Args:
        spec: what to build; None to choose by the number of different vectors.
        device: "cpu" or "gpu", as `resolve_device` says.
        seed: of the training sample and of k-means; on a CPU, equal seeds give equal indexes.

    Raises:
        BuildError: what `check_vectors` refuses, fewer different vectors than the given spec has
            centroids, or FAISS cannot hold the index in the memory there is.
    """
    checked = vectors if isinstance(vectors, CheckedVectors) else check_vectors(vectors)
    spec = spec or choose_spec(len(checked.leaders), checked.vectors.shape[1])
    if spec.kind == "exact":
        return BuiltIndex(spec, None, None, checked, "cpu", {"check": checked.seconds})
    started = time.perf_counter()
    hashes = checked.hashes[checked.leaders]
    training = Training(len(hashes), held_out_below(hashes))
    prefer_matrix_products(checked.vectors.shape[1])
    index = _empty(checked.vectors.shape[1], spec, seed)
    with _faiss_errors(spec, device):
        index = to_gpu(index, spec) if device == "gpu" else index
        index.train(_sample(checked, spec, training, seed))
    trained = time.perf_counter()
    filled = fill_index(checked, spec, index, training, device)
    seconds = {"check": checked.seconds, "train": trained - started, "add": filled.seconds["add"]}
    return replace(filled, seconds=seconds)


def fill_index(
    checked: CheckedVectors, spec: IndexSpec, index: Any, training: Training, device: str
) -> BuiltIndex:
    """Adds every different vector to a trained index that holds none.

    Args:
        index: FAISS's, where `device` has it or on the CPU.

    Raises:
        BuildError: FAISS cannot hold the index in the memory there is.
    """
    started = time.perf_counter()
    prefer_matrix_products(checked.vectors.shape[1])
    with _faiss_errors(spec, device):
        for start in range(0, len(checked.leaders), BATCH_ROWS):
            index.add(checked.vectors[checked.leaders[start : start + BATCH_ROWS]])
        index = faiss.index_gpu_to_cpu(index) if device == "gpu" else index
    seconds = {"check": checked.seconds, "add": time.perf_counter() - started}
    return BuiltIndex(spec, index, training, checked, device, seconds)


@contextmanager
def _faiss_errors(spec: IndexSpec, device: str) -> Iterator[None]:
    """
    Raises:
        BuildError: FAISS failed, mostly for want of memory.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise BuildError(f"FAISS cannot build {spec.factory} on the {device}: {reason}") from error


def _empty(dim: int, spec: IndexSpec, seed: int) -> Any:
    index: Any = faiss.index_factory(dim, spec.factory, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = True
    # Polysemous codes serve a filter that we do not use, and are nineteen twentieths of the training time.
    index.do_polysemous_training = False
    for training in (index.cp, index.pq.cp):
        training.seed = seed
        training.min_points_per_centroid = 1
        training.max_points_per_centroid = POINTS_PER_CENTROID
    return index


def _sample(checked: CheckedVectors, spec: IndexSpec, training: Training, seed: int) -> Vectors:
    """(S, D) different vectors at random: one listed 20,000 times must not become 20,000 centroids.

    Those held out to measure recall on are not among them.

    Raises:
        BuildError: fewer different vectors than centroids.
    """
    centroids = max(spec.nlist, CODEWORDS)
    vectors, leaders = checked.vectors, checked.leaders
    if len(leaders) < centroids:
        raise BuildError(
            f"{spec.factory} needs {centroids:,} different vectors for training, the {len(vectors):,} rows "
            f"hold {len(leaders):,}: use --spec Flat"
        )
    trainable = leaders[checked.hashes[leaders] >= np.uint64(training.held_out_below)]
    size = min(len(trainable), POINTS_PER_CENTROID * centroids)
    chosen = np.random.default_rng(seed).choice(len(trainable), size, replace=False)
    sample: Vectors = vectors[trainable[np.sort(chosen)]]
    return sample


def _batches(vectors: Vectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), BATCH_ROWS):
        yield start, vectors[start : start + BATCH_ROWS]


def _checked(vectors: Vectors, first_row: int) -> Vectors:
    """The vectors, once all are finite and of length 1: FAISS counts one with a NaN and never finds it."""
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))
    if wrong.size:
        row, length = first_row + int(wrong[0]), float(lengths[wrong[0]])
        told = f"has length {length:.4g} instead of 1" if np.isfinite(length) else "is not finite"
        raise BuildError(f"the vector of row {row} {told}")
    return vectors
