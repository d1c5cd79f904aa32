"""Vectors of public sets and of one's own: fvecs, ivecs, bvecs, ann-benchmarks' HDF5, Parquet, a store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.errors import StoreError, UsageError
from itemsearch.indexes.arrays import Vectors
from itemsearch.store.reader import open_embedded

NUMBERS: dict[str, np.dtype[Any]] = {
    ".fvecs": np.dtype("<f4"),
    ".ivecs": np.dtype("<i4"),
    ".bvecs": np.dtype("u1"),
}
HDF5 = (".hdf5", ".h5")


@dataclass(frozen=True, slots=True)
class VectorSet:
    """base (N, D) and queries (Q, D) float32, of length 1: nearest is by cosine."""

    base: Vectors
    queries: Vectors


def read_vector_set(path: Path, queries: Path | None, asked: int, seed: int) -> VectorSet:
    """
    Args:
        queries: a file of queries; None for those that an HDF5 file holds, else for rows of `path` that are
            taken out of it.
        asked: how many queries, at most.

    Raises:
        StoreError: a file is missing, damaged or of no known kind.
        UsageError: too few vectors, or queries of another dimension.
    """
    base = read_vectors(path, "train")
    rng = np.random.default_rng(seed)
    if queries is not None:
        wanted = read_vectors(queries, "test")
    elif path.suffix in HDF5:
        wanted = read_vectors(path, "test")
    else:
        order = rng.permutation(len(base))
        count = min(asked, len(base) // 10)
        base, wanted = base[np.sort(order[count:])], base[order[:count]]
    if not len(base) or not len(wanted):
        raise UsageError(f"{path}: {len(base)} vectors and {len(wanted)} queries: give more")
    if base.shape[1] != (dim := wanted.shape[1]):
        raise UsageError(f"{queries or path}: queries of {dim} numbers, vectors of {base.shape[1]}")
    return VectorSet(_unit(base), _unit(wanted[:asked]))


def read_vectors(path: Path, dataset: str = "train") -> Vectors:
    """(N, D) of a file by its suffix; anything else is a store, a Parquet file or a folder of these.

    dataset: of an HDF5 file.

    Raises:
        StoreError: the file is missing, damaged or of no known kind.
    """
    if path.suffix in NUMBERS:
        return _read_vecs(path)
    if path.suffix in HDF5:
        return _read_hdf5(path, dataset)
    held = open_embedded(path)
    flat = [batch["embedding"].flatten().to_numpy(zero_copy_only=False) for batch in held.batches()]
    return np.concatenate(flat).reshape(-1, held.dim).astype(np.float32, copy=False)


def _read_vecs(path: Path) -> Vectors:
    """Each vector is its dimension as int32, then its numbers."""
    numbers: np.dtype[Any] = NUMBERS[path.suffix]
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    dim = int(raw[:4].view("<i4")[0]) if len(raw) >= 4 else 0
    size = 4 + dim * numbers.itemsize
    if dim < 1 or len(raw) % size:
        raise StoreError(f"{path}: damaged: {len(raw):,} bytes are no whole vectors of {dim} numbers")
    rows = raw.reshape(-1, size)
    if (np.ascontiguousarray(rows[:, :4]).view("<i4") != dim).any():
        raise StoreError(f"{path}: damaged: its vectors are not all of {dim} numbers")
    return np.ascontiguousarray(rows[:, 4:]).view(numbers).astype(np.float32)


def _read_hdf5(path: Path, dataset: str) -> Vectors:
    import h5py  # few sets need it

    try:
        with h5py.File(path, "r") as file:
            held: Vectors = np.asarray(file[dataset], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(f"{path}: no dataset {dataset!r} of vectors: {error}") from error
    return held


def _unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return scaled
