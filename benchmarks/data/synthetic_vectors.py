"""Synthetic vectors in Parquet, distributed as the embeddings of a catalog are.

They are a mixture of clusters whose sizes follow a power law. The centres of the clusters are themselves
clustered into families. Within a cluster, vectors spread along a few axes of decreasing weight (a low
intrinsic dimension). A share of the rows are near-duplicates of another row: listings of one product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.indexes.arrays import Floats

SHARD_ROWS = 100_000
FAMILIES = 50
ROWS_PER_CLUSTER = 250
POWER = 0.8
AXES = 24
FAMILY_SPREAD, CLUSTER_SPREAD, ROW_NOISE = 0.7, 0.8, 0.1
NEAR_DUPLICATES = 0.3
GROUPS_FROM = 5000
"""Near-duplicates are of one of the first rows of their shard: in 100,000 rows about six to a group."""
DUPLICATE_NOISE = 0.1


def write_vectors(folder: Path, rows: int, dim: int, seed: int) -> None:
    """Writes part-*.parquet with columns `id` and `embedding`: (rows, dim) float32 of length 1.

    Equal seeds give equal rows.
    """
    folder.mkdir(parents=True)
    mixture = _Mixture(max(rows // ROWS_PER_CLUSTER, FAMILIES), dim, seed)
    for shard, start in enumerate(range(0, rows, SHARD_ROWS)):
        vectors = mixture.draw(min(SHARD_ROWS, rows - start), np.random.default_rng([seed, shard]))
        embeddings = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim)
        ids = pa.array([f"{row:08d}" for row in range(start, start + len(vectors))])
        pq.write_table(
            pa.table({"id": ids, "embedding": embeddings}),
            folder / f"part-{shard:03d}.parquet",
            compression="none",
        )


class _Mixture:
    """The clusters: their shares of the rows, centres and axes."""

    def __init__(self, clusters: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        share = 1 / np.arange(1, clusters + 1) ** POWER
        self.share = share / share.sum()
        self.dim = dim
        self.seed = seed
        families = _directions(rng, FAMILIES, dim)
        self.centres = families[rng.integers(FAMILIES, size=clusters)] + FAMILY_SPREAD * _directions(
            rng, clusters, dim
        )
        self.weights = (1 / np.sqrt(np.arange(1, AXES + 1))).astype(np.float32)
        self.weights /= np.linalg.norm(self.weights)

    def draw(self, rows: int, rng: np.random.Generator) -> Floats:
        """(rows, D) float32 of length 1."""
        clusters = rng.choice(len(self.share), rows, p=self.share)
        vectors = self.centres[clusters] + ROW_NOISE * _directions(rng, rows, self.dim)
        for cluster in np.unique(clusters):
            members = np.flatnonzero(clusters == cluster)
            axes = _directions(np.random.default_rng([self.seed, 1, int(cluster)]), AXES, self.dim)
            positions = rng.standard_normal((len(members), AXES), np.float32) * self.weights
            vectors[members] += CLUSTER_SPREAD * positions @ axes
        duplicates = np.flatnonzero(rng.random(rows) < NEAR_DUPLICATES)
        originals = rng.integers(min(GROUPS_FROM, rows), size=len(duplicates))
        vectors[duplicates] = vectors[originals] + DUPLICATE_NOISE * _directions(
            rng, len(duplicates), self.dim
        )
        units: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units.astype(np.float32)


def _directions(rng: np.random.Generator, count: int, dim: int) -> Floats:
    """(count, dim) float32 in random directions, of a length near 1."""
    drawn: Floats = rng.standard_normal((count, dim), np.float32) / np.float32(np.sqrt(dim))
    return drawn
