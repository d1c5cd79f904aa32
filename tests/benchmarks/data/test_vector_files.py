from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from itemsearch.benchmarks.data.vector_files import read_vector_set, read_vectors
from itemsearch.errors import StoreError, UsageError


def write_vecs(path: Path, vectors: np.ndarray) -> Path:
    """Writes each vector as its dimension, then its numbers."""
    with path.open("wb") as file:
        for vector in vectors:
            file.write(np.int32(len(vector)).tobytes() + vector.tobytes())
    return path


def test_vectors_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 200, (50, 8))
    for suffix, kind in ((".fvecs", np.float32), (".ivecs", np.int32), (".bvecs", np.uint8)):
        assert (read_vectors(write_vecs(tmp_path / f"x{suffix}", numbers.astype(kind))) == numbers).all()
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["train"], file["test"] = numbers.astype(np.float32), numbers[:5].astype(np.float32)
    hdf5 = read_vector_set(tmp_path / "x.hdf5", None, 1000, 0)
    assert (hdf5.base.shape, hdf5.queries.shape) == ((50, 8), (5, 8))
    np.testing.assert_allclose(np.linalg.norm(hdf5.base, axis=1), 1, rtol=1e-6)
    split = read_vector_set(tmp_path / "x.fvecs", None, 1000, 0)
    assert (len(split.base), len(split.queries)) == (45, 5)


def test_damaged_vectors_are_refused(tmp_path: Path) -> None:
    path = write_vecs(tmp_path / "x.fvecs", np.ones((5, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="no whole vectors of 4 numbers"):
        read_vectors(path)
    (tmp_path / "x.hdf5").write_bytes(b"nothing")
    with pytest.raises(StoreError, match="no dataset 'train'"):
        read_vectors(tmp_path / "x.hdf5")
    with pytest.raises(StoreError, match="No such file"):
        read_vectors(tmp_path / "y.bvecs")
    other = write_vecs(tmp_path / "q.fvecs", np.ones((5, 3), np.float32))
    with pytest.raises(UsageError, match="queries of 3 numbers"):
        read_vector_set(write_vecs(path, np.ones((5, 4), np.float32)), other, 10, 0)
