from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.synthetic_vectors import write_vectors


def read(folder: Path) -> np.ndarray:
    table = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])
    return np.stack(table["embedding"].to_pylist())


def test_synthetic_vectors_have_near_duplicates_and_depend_on_the_seed_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_vectors(tmp_path / name, 3000, 64, seed=1)
    vectors = read(tmp_path / "one")
    assert np.array_equal(vectors, read(tmp_path / "two"))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T - 2 * np.eye(len(vectors), dtype=np.float32)
    assert 0.2 < (cosines.max(axis=1) > 0.98).mean() < 0.7
    assert len(np.unique(vectors, axis=0)) == len(vectors)
