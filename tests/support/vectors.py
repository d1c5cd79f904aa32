"""Synthetic vectors, and indexes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.files import save_index
from itemsearch.indexes.storage.vectors import create_vectors
from itemsearch.indexes.types import IndexSpec


def clustered(rows: int, dim: int = 32, seed: int = 0) -> Vectors:
    """Products of a few thousand kinds, near-duplicates within each."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((rows // 8, dim))
    vectors = centres[rng.integers(len(centres), size=rows)] + 0.3 * rng.standard_normal((rows, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def saved(folder: Path, vectors: Vectors, spec: IndexSpec, tie_rank: Rows | None = None) -> VectorIndex:
    folder.mkdir(parents=True, exist_ok=True)
    stored = create_vectors(folder, *vectors.shape)
    stored[:] = vectors
    stored.flush()
    rank = np.arange(len(vectors)) if tie_rank is None else tie_rank
    save_index(folder, build_index(stored, spec, "cpu"), rank)
    return VectorIndex.open(folder)
