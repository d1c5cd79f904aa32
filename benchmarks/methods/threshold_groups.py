"""Groups of duplicates by a threshold: pairs whose score reaches it are connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.methods.baselines import TFIDF, embed_baselines, tfidf_vectors
from itemsearch.benchmarks.metrics.clusters import b_cubed_f1
from itemsearch.duplicates.groups.linkage import components
from itemsearch.indexes.arrays import Doubles, Floats, Ints, Rows

NEIGHBOURS = 20
STEPS = 60
"""The number of thresholds that are tried."""
BLOCK = 512

Compare = Callable[[Rows], Floats]
"""Takes (B,) rows and returns their (B, N) similarities with all rows."""


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """P pairs of listings: (P,) rows a and b, and (P,) scores of one method."""

    a: Rows
    b: Rows
    scores: Doubles


def compare_baselines(listings: TitlesAndImages) -> dict[str, Compare]:
    """Baseline to its comparison of some listings with all."""
    comparisons: dict[str, Compare] = {
        name: partial(_cosines, vectors) for name, vectors in embed_baselines(listings).items()
    }
    if any(listings.titles):
        comparisons[TFIDF] = partial(_cosines, tfidf_vectors(listings.titles))
    return comparisons


def _cosines(vectors: Any, rows: Rows) -> Floats:
    """(B, N) cosines. vectors: (N, D) of length 1, a NumPy array or a sparse SciPy matrix."""
    cosines = vectors[rows] @ vectors.T
    dense: Floats = cosines if isinstance(cosines, np.ndarray) else cosines.toarray()
    return dense


def nearest_pairs(compare: Compare, labels: Ints) -> ScoredPairs:
    """Each listing with the `NEIGHBOURS` most similar listings of another label.

    Of four listings of the labels 0, 0, 1 and 1, listing 0 is paired with listings 2 and 3 alone.

    Args:
        labels: (N,) such as the sellers of the listings, as numbers.
    """
    count = len(labels)
    blocks = []
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        scores = compare(rows).astype(np.float64)  # (B, N)
        scores[labels[rows, None] == labels] = -np.inf
        nearest = np.argpartition(-scores, min(NEIGHBOURS, count - 1), axis=1)[:, :NEIGHBOURS]
        nearest_scores = np.take_along_axis(scores, nearest, axis=1)
        blocks.append((np.repeat(rows, nearest.shape[1]), nearest.ravel(), nearest_scores.ravel()))
    a, b, scores = (np.concatenate(column) for column in zip(*blocks, strict=True))
    allowed = np.isfinite(scores)
    return ScoredPairs(a[allowed], b[allowed], scores[allowed])


def best_threshold(pairs: ScoredPairs, products: Ints) -> float:
    """The threshold whose connected listings have the best B-cubed F1; infinite where no pairs are best."""
    descending = np.sort(pairs.scores)[::-1]
    positions = np.unique(np.geomspace(1, max(len(descending), 1), STEPS).astype(np.int64)) - 1
    candidates = [np.inf, *descending[positions[positions < len(descending)]]]

    def f1(threshold: float) -> float:
        return b_cubed_f1(connected(pairs, threshold, len(products)), products)

    return float(max(candidates, key=f1))


def connected(pairs: ScoredPairs, threshold: float, count: int) -> Ints:
    """(count,) component numbers of the listings that pairs of at least that score connect."""
    linked = pairs.scores >= threshold
    return components(count, pairs.a[linked], pairs.b[linked])
