"""Trains an index and adds every vector to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from indexes.choose import TRAINING_POINTS, IndexSpec
from indexes.errors import BuildError
from indexes.gpu import GpuCopy

ADD_ROWS = 65_536
SAMPLE_POINTS = 256
"""Training points a centroid that FAISS's k-means uses at most (faiss/Clustering.h)."""


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """`index` is FAISS's, on the CPU, with row numbers as ids; None for the exact kind, which needs none."""

    spec: IndexSpec
    index: Any | None
    device: str
    seconds: Mapping[str, float]


def build_index(vectors: npt.NDArray[np.float32], spec: IndexSpec, device: str, seed: int = 0) -> BuiltIndex:
    """Builds the index of a spec over (N, D) vectors of length 1, which may be mapped from a file.

    Args:
        device: "cpu" or "gpu", as `resolve_device` says.
        seed: of the training sample and of k-means; on a CPU, equal seeds give equal indexes.

    Raises:
        BuildError: a vector that is not finite, or fewer different vectors than lists.
    """
    _check_finite(vectors)
    if spec.kind == "exact":
        return BuiltIndex(spec, None, "cpu", {})
    started = time.perf_counter()
    sample = _sample(vectors, spec, seed)
    index = _empty(vectors.shape[1], spec, seed)
    copy = GpuCopy.of(index, spec.m) if device == "gpu" else None
    target = copy.index if copy else index
    target.train(sample)
    trained = time.perf_counter()
    for start in range(0, len(vectors), ADD_ROWS):
        target.add(np.ascontiguousarray(vectors[start : start + ADD_ROWS]))
    index = copy.to_cpu() if copy else index
    seconds = {"train": trained - started, "add": time.perf_counter() - trained}
    return BuiltIndex(spec, index, device, seconds)


def _empty(dim: int, spec: IndexSpec, seed: int) -> Any:
    index: Any = faiss.index_factory(dim, spec.factory, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = True
    index.cp.seed = index.pq.cp.seed = seed + 1  # FAISS reads 0 as "unset" in places
    return index


def _sample(vectors: npt.NDArray[np.float32], spec: IndexSpec, seed: int) -> npt.NDArray[np.float32]:
    """Different vectors of random rows: a product listed 20,000 times must not become 20,000 centroids."""
    most = SAMPLE_POINTS * max(spec.nlist, 2**8)
    rows = np.random.default_rng(seed).permutation(len(vectors))[:most]
    sample = np.unique(vectors[np.sort(rows)], axis=0)
    needed = TRAINING_POINTS * max(spec.nlist, 2**8)
    if len(sample) < needed:
        raise BuildError(
            f"{spec.factory} needs {needed:,} different vectors for training, a sample of {len(rows):,} has "
            f"{len(sample):,}: use --spec Flat"
        )
    np.random.default_rng(seed).shuffle(sample)
    return sample


def _check_finite(vectors: npt.NDArray[np.float32]) -> None:
    """FAISS counts a vector with a NaN and never finds it."""
    for start in range(0, len(vectors), ADD_ROWS):
        wrong = np.flatnonzero(~np.isfinite(vectors[start : start + ADD_ROWS]).all(axis=1))
        if wrong.size:
            raise BuildError(f"the vector of row {start + int(wrong[0])} is not finite")
