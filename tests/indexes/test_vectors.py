from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import clustered

from itemsearch.indexes.arrays import as_float32
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.storage.sharing import KEPT_SHARE, MOST_FILES, files_to_keep
from itemsearch.indexes.storage.vector_writer import VectorWriter
from itemsearch.indexes.storage.vectors import VECTOR_PLACES, StoredVectors, vector_files


def test_every_finite_float16_is_widened_as_numpy_does() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    wide = as_float32(halves.reshape(-1, 8))
    assert wide.tobytes() == halves.reshape(-1, 8).astype(np.float32).tobytes()
    assert as_float32(np.empty((0, 5), np.float16)).shape == (0, 5)


def write(folder: Path, vectors: np.ndarray, dtype: str, before: Path | None, earlier: np.ndarray) -> None:
    """As a build does: links the files that are needed of the version before."""
    folder.mkdir()
    old = None if before is None else StoredVectors.open(before)
    with VectorWriter(folder, vectors.shape[1], dtype, old, before or Path()) as writer:
        for start in range(0, len(vectors), 70):
            writer.add(vectors[start : start + 70], earlier[start : start + 70])
        names = writer.finish()
    for name in names:
        assert before is not None
        (folder / name).hardlink_to(before / name)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_after_many_nights_every_row_has_its_own_vector(tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    vectors, before, shared = clustered(400, 24), None, 0
    earlier = np.full(400, -1)
    for night in range(40):
        folder = tmp_path / str(night)
        write(folder, vectors, dtype, before, earlier)
        stored = StoredVectors.open(folder)
        expected = vectors.astype(dtype).astype(np.float32)
        np.testing.assert_array_equal(stored[:], expected)
        rows = rng.integers(len(vectors), size=(6, 9))
        slow = [
            [query @ expected[row] for row in line] for query, line in zip(vectors[:6], rows, strict=True)
        ]
        np.testing.assert_allclose(inner_products(vectors[:6], stored, rows), np.clip(slow, -1, 1), atol=1e-6)
        assert len(vector_files(folder)) <= MOST_FILES + 1
        assert sum(map(len, stored.files)) <= len(vectors) / KEPT_SHARE + 30
        shared += len({path.stat().st_ino for path in folder.glob("vectors*")} & inodes(before))
        # One in ten goes, one in twenty changes, some are new, and every fourth night the order is another.
        kept = np.flatnonzero(rng.random(len(vectors)) > 0.1)
        kept = rng.permutation(kept) if night % 4 == 3 else kept
        changed = vectors[kept].copy()
        other = rng.random(len(kept)) < 0.05
        changed[other] = clustered(400, 24, seed=night + 1)[: other.sum()]
        vectors = np.concatenate([changed, clustered(48, 24, seed=100 + night)])
        earlier, before = np.append(kept, np.full(48, -1)), folder
    assert shared > 20


def inodes(folder: Path | None) -> set[int]:
    return set() if folder is None else {path.stat().st_ino for path in folder.glob("vectors*")}


def test_an_unchanged_night_writes_no_vectors(tmp_path: Path) -> None:
    vectors = clustered(100)
    write(tmp_path / "a", vectors, "float16", None, np.full(100, -1))
    write(tmp_path / "b", vectors, "float16", tmp_path / "a", np.arange(100))
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["vectors.npy"]
    assert (tmp_path / "b" / "vectors.npy").samefile(tmp_path / "a" / "vectors.npy")
    write(tmp_path / "c", vectors[::-1], "float16", tmp_path / "b", np.arange(100)[::-1])
    np.testing.assert_array_equal(
        StoredVectors.open(tmp_path / "c")[:], StoredVectors.open(tmp_path / "a")[::-1]
    )
    write(tmp_path / "d", vectors, "float32", tmp_path / "b", np.arange(100))
    np.testing.assert_array_equal(StoredVectors.open(tmp_path / "d")[:], vectors)


def test_files_that_lack_their_places_are_damaged(tmp_path: Path) -> None:
    vectors = clustered(100)
    write(tmp_path / "a", vectors[:90], "float16", None, np.full(90, -1))
    write(tmp_path / "b", vectors, "float16", tmp_path / "a", np.append(np.arange(90), np.full(10, -1)))
    (tmp_path / "b" / VECTOR_PLACES).unlink()
    with pytest.raises(DamagedIndexError, match="not of one index"):
        StoredVectors.open(tmp_path / "b")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), max_size=40))
def test_files_are_kept_while_most_of_them_is_in_use(files: list[tuple[int, int]]) -> None:
    used = np.array([min(pair) for pair in files], np.int64)
    sizes = np.array([size for _, size in files], np.int64)
    kept = files_to_keep(used, sizes).tolist()
    assert len(kept) <= MOST_FILES
    assert all(used[place] >= KEPT_SHARE * sizes[place] for place in kept)
    assert kept == sorted(kept)
