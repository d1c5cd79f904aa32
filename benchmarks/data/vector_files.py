"""Readers of vector files: fvecs, ivecs, bvecs, HDF5 of ann-benchmarks, Parquet, and stores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.errors import StoreError, UsageError
from itemsearch.indexes.arrays import Floats
from itemsearch.store.reader import open_embedded

NUMBERS: dict[str, np.dtype[Any]] = {
    ".fvecs": np.dtype("<f4"),
    ".ivecs": np.dtype("<i4"),
    ".bvecs": np.dtype("u1"),
}
HDF5 = (".hdf5", ".h5")


@dataclass(frozen=True, slots=True)
class VectorSet:
    """base (N, D) and queries (Q, D), float32 of length 1: inner products are cosines."""

    base: Floats
    queries: Floats


def read_vector_set(path: Path, queries: Path | None, max_queries: int, seed: int) -> VectorSet:
    """Reads base vectors and queries.

    Args:
        queries: a file of queries. None takes those of an HDF5 file; of other files some rows are taken out
            and used as queries.
        max_queries: the number of queries at most.

    Raises:
        StoreError: a file is missing, damaged or of an unknown kind.
        UsageError: there are too few vectors, or the queries have another dimension.
    """
    base = read_vectors(path, "train")
    rng = np.random.default_rng(seed)
    if queries is not None:
        query_vectors = read_vectors(queries, "test")
    elif path.suffix in HDF5:
        query_vectors = read_vectors(path, "test")
    else:
        order = rng.permutation(len(base))
        count = min(max_queries, len(base) // 10)
        base, query_vectors = base[np.sort(order[count:])], base[order[:count]]
    if not len(base) or not len(query_vectors):
        raise UsageError(f"{path}: {len(base)} vectors and {len(query_vectors)} queries: give more")
    if base.shape[1] != (dim := query_vectors.shape[1]):
        raise UsageError(f"{queries or path}: queries of {dim} numbers, vectors of {base.shape[1]}")
    return VectorSet(unit_length(base), unit_length(query_vectors[:max_queries]))


def read_vectors(path: Path, dataset: str = "train") -> Floats:
    """(N, D) float32 of a vector file, by its suffix; other paths are a store, a Parquet file or a folder.

    Args:
        dataset: the name of the data set inside an HDF5 file.

    Raises:
        StoreError: the file is missing, damaged or of an unknown kind.
    """
    if path.suffix in NUMBERS:
        return _read_vecs(path)
    if path.suffix in HDF5:
        return _read_hdf5(path, dataset)
    embedded = open_embedded(path)
    flat = [batch["embedding"].flatten().to_numpy(zero_copy_only=False) for batch in embedded.batches()]
    return np.concatenate(flat).reshape(-1, embedded.dim).astype(np.float32, copy=False)


def _read_vecs(path: Path) -> Floats:
    """Each vector is stored as its dimension in int32, then its numbers."""
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


def _read_hdf5(path: Path, dataset: str) -> Floats:
    import h5py  # few data sets need it

    try:
        with h5py.File(path, "r") as file:
            vectors: Floats = np.asarray(file[dataset], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(f"{path}: no dataset {dataset!r} of vectors: {error}") from error
    return vectors


def unit_length(vectors: Floats) -> Floats:
    """(N, D) scaled to length 1; zero vectors stay zero."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return scaled
