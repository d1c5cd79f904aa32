"""Small stores whose titles say the seed of their vectors: an answer says which version it is from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch import Engine

ROWS = 40


def vectors_of(seed: int, rows: int = ROWS) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, 4), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_vectors(folder: Path, seed: int, rows: int = ROWS) -> Path:
    path = folder / f"{seed}.parquet"
    ids, titles = [str(row) for row in range(rows)], [f"seed {seed}"] * rows
    pq.write_table(pa.table({"id": ids, "title": titles, "embedding": list(vectors_of(seed, rows))}), path)
    return path


def expected_hits(seed: int) -> list[str]:
    vectors = vectors_of(seed)
    return [str(row) for row in np.argsort(-(vectors @ vectors[7])) if row != 7][:5]


def served_seed(index: Path) -> int:
    """Of the version that is served, once its answer is that of its vectors."""
    hits = Engine.open(index).search(id="7", k=5).hits
    seed = int(hits[0].title.removeprefix("seed "))
    assert [hit.id for hit in hits] == expected_hits(seed)
    assert {hit.title for hit in hits} == {f"seed {seed}"}
    return seed
