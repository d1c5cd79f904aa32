"""Trains an index and adds every different vector to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from indexes.choose import CODEWORDS, IndexSpec, choose_spec
from indexes.compare import prefer_matrix_products
from indexes.distinct import Rows, Vectors, find_heads, hash_rows
from indexes.errors import BuildError
from indexes.gpu import to_gpu

BATCH_ROWS = 16_384

POINTS_PER_CENTROID = 64
"""Training vectors a centroid. FAISS takes up to 256 and warns below 39: with 64 recall was the same to
.0002 and training four times shorter (26,000 title embeddings of 384 numbers, IVF512,PQ48)."""

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1: float16 embeddings, normalised before rounding, stay within."""


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """`index` is FAISS's, on the CPU; None for the exact kind, which needs none.

    heads (N,) int64: the lowest row with the same vector as each row. The ids of `index` number the
    different vectors in order of their heads.
    """

    spec: IndexSpec
    index: Any | None
    heads: Rows
    device: str
    seconds: Mapping[str, float]


def build_index(vectors: Vectors, spec: IndexSpec | None, device: str, seed: int = 0) -> BuiltIndex:
    """Builds an index over (N, D) float32 vectors of length 1, which may be mapped from a file.

    Args:
        spec: what to build; None to choose by the number of different vectors.
        device: "cpu" or "gpu", as `resolve_device` says.
        seed: of the training sample and of k-means; on a CPU, equal seeds give equal indexes.

    Raises:
        BuildError: no vectors, one that is not finite or not of length 1, fewer different vectors than
            the given spec has centroids, or FAISS cannot hold the index in the memory there is.
    """
    started = time.perf_counter()
    if not len(vectors):
        raise BuildError("there are no vectors to index")
    hashes = np.concatenate([hash_rows(_checked(batch, start)) for start, batch in _batches(vectors)])
    heads = find_heads(hashes, vectors)
    leaders = np.unique(heads)
    spec = spec or choose_spec(len(leaders), vectors.shape[1])
    checked = time.perf_counter()
    if spec.kind == "exact":
        return BuiltIndex(spec, None, heads, "cpu", {"check": checked - started})
    try:
        index, trained = _train_and_add(vectors, leaders, spec, device, seed)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise BuildError(f"FAISS cannot build {spec.factory} on the {device}: {reason}") from error
    seconds = {
        "check": checked - started,
        "train": trained - checked,
        "add": time.perf_counter() - trained,
    }
    return BuiltIndex(spec, index, heads, device, seconds)


def _train_and_add(
    vectors: Vectors, leaders: Rows, spec: IndexSpec, device: str, seed: int
) -> tuple[Any, float]:
    """The full index, and when training ended."""
    prefer_matrix_products(vectors.shape[1])
    index = _empty(vectors.shape[1], spec, seed)
    target = to_gpu(index, spec) if device == "gpu" else index
    target.train(_sample(vectors, leaders, spec, seed))
    trained = time.perf_counter()
    for start in range(0, len(leaders), BATCH_ROWS):
        target.add(vectors[leaders[start : start + BATCH_ROWS]])
    return faiss.index_gpu_to_cpu(target) if device == "gpu" else index, trained


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


def _sample(vectors: Vectors, leaders: Rows, spec: IndexSpec, seed: int) -> Vectors:
    """(S, D) different vectors at random: one listed 20,000 times must not become 20,000 centroids.

    Raises:
        BuildError: fewer different vectors than centroids.
    """
    centroids = max(spec.nlist, CODEWORDS)
    if len(leaders) < centroids:
        raise BuildError(
            f"{spec.factory} needs {centroids:,} different vectors for training, the {len(vectors):,} rows "
            f"hold {len(leaders):,}: use --spec Flat"
        )
    size = min(len(leaders), POINTS_PER_CENTROID * centroids)
    chosen = np.random.default_rng(seed).choice(len(leaders), size, replace=False)
    sample: Vectors = vectors[leaders[np.sort(chosen)]]
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
