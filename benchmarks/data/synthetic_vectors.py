"""Vectors made up as a shop's embeddings lie, in Parquet.

Kinds of products are of very different size (a power law), each around a centre of its own, and the centres
themselves lie in families. Within a kind vectors spread in few directions (a low intrinsic dimension), which
weigh less and less. A share of the rows are near-duplicates of another row: listings of one product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.indexes.arrays import Vectors

SHARD_ROWS = 100_000
FAMILIES = 50
ROWS_A_KIND = 250
POWER = 0.8
DIRECTIONS = 24
FAMILY_SPREAD, KIND_SPREAD, ROW_NOISE = 0.7, 0.8, 0.1
NEAR_DUPLICATES = 0.3
GROUPS_FROM = 5000
"""Rows at the start of a shard that its near-duplicates are of: about six to a group of 100,000 rows."""
DUPLICATE_NOISE = 0.1


def write_vectors(folder: Path, rows: int, dim: int, seed: int) -> None:
    """part-*.parquet with `id` and `embedding`, (rows, dim) float32 of length 1; equal seeds, equal rows."""
    folder.mkdir(parents=True)
    kinds = _Kinds(max(rows // ROWS_A_KIND, FAMILIES), dim, seed)
    for shard, start in enumerate(range(0, rows, SHARD_ROWS)):
        vectors = kinds.draw(min(SHARD_ROWS, rows - start), np.random.default_rng([seed, shard]))
        embeddings = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim)
        ids = pa.array([f"{row:08d}" for row in range(start, start + len(vectors))])
        pq.write_table(
            pa.table({"id": ids, "embedding": embeddings}),
            folder / f"part-{shard:03d}.parquet",
            compression="none",
        )


class _Kinds:
    """Where the kinds of products lie."""

    def __init__(self, kinds: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        share = 1 / np.arange(1, kinds + 1) ** POWER
        self.share = share / share.sum()
        self.dim = dim
        self.seed = seed
        families = _directions(rng, FAMILIES, dim)
        self.centres = families[rng.integers(FAMILIES, size=kinds)] + FAMILY_SPREAD * _directions(
            rng, kinds, dim
        )
        self.weights = (1 / np.sqrt(np.arange(1, DIRECTIONS + 1))).astype(np.float32)
        self.weights /= np.linalg.norm(self.weights)

    def draw(self, rows: int, rng: np.random.Generator) -> Vectors:
        """(rows, D) of length 1."""
        kinds = rng.choice(len(self.share), rows, p=self.share)
        vectors = self.centres[kinds] + ROW_NOISE * _directions(rng, rows, self.dim)
        for kind in np.unique(kinds):
            of_kind = np.flatnonzero(kinds == kind)
            axes = _directions(np.random.default_rng([self.seed, 1, int(kind)]), DIRECTIONS, self.dim)
            places = rng.standard_normal((len(of_kind), DIRECTIONS), np.float32) * self.weights
            vectors[of_kind] += KIND_SPREAD * places @ axes
        again = np.flatnonzero(rng.random(rows) < NEAR_DUPLICATES)
        product = rng.integers(min(GROUPS_FROM, rows), size=len(again))
        vectors[again] = vectors[product] + DUPLICATE_NOISE * _directions(rng, len(again), self.dim)
        units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units.astype(np.float32)


def _directions(rng: np.random.Generator, count: int, dim: int) -> Vectors:
    """(count, dim) in random directions, of a length near 1."""
    drawn: Vectors = rng.standard_normal((count, dim), np.float32) / np.float32(np.sqrt(dim))
    return drawn
