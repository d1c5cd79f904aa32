"""Baselines that decide pairs without labels: rules on the scores of one method.

P pairs of N listings, each once. A rule names the pairs that it takes for one product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.data.true_pairs import may_pair, pairs_within
from itemsearch.benchmarks.methods.baselines import BOTH, IMAGE, TFIDF, TITLE, embed_baselines, tfidf_vectors
from itemsearch.duplicates.groups.linkage import components
from itemsearch.indexes.arrays import Doubles, Floats, Ints, Rows

MUTUAL, CLEAR, FIXED, CONNECTED = (
    "mutual best",
    "mutual best with a margin",
    "at least .9",
    "connected by .9",
)
MARGIN = 0.05
"""How far a pair is above the next one of either listing, in units of the score."""
LEAST_SCORE = 0.9
NEIGHBOURS = 20
BLOCK = 512

Compare = Callable[[Rows], Floats]
"""Takes (B,) rows and returns their (B, N) similarities with all rows."""


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """P pairs of listings, a < b, each once: (P,) rows a and b, and (P,) scores of one method, at most 1."""

    a: Rows
    b: Rows
    scores: Doubles


def compare_baselines(listings: TitlesAndImages) -> dict[str, Compare]:
    """Baseline to its comparison of some listings with all; without those of a modality that none has."""
    embedded = embed_baselines(listings)
    comparisons: dict[str, Compare] = {
        name: partial(_cosines, embedded[name]) for name in (TITLE, IMAGE, BOTH) if name in embedded
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
    keys, found = [], []
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        scores = compare(rows).astype(np.float64)  # (B, N)
        scores[~may_pair(labels[rows, None], labels)] = -np.inf
        nearest = np.argpartition(-scores, min(NEIGHBOURS, count - 1), axis=1)[:, :NEIGHBOURS]
        nearest_scores = np.take_along_axis(scores, nearest, axis=1).ravel()
        one, other = np.repeat(rows, nearest.shape[1]), nearest.ravel()
        allowed = np.isfinite(nearest_scores)
        keys.append((np.minimum(one, other) * count + np.maximum(one, other))[allowed])
        found.append(nearest_scores[allowed])
    unique, first = np.unique(np.concatenate(keys), return_index=True)
    return ScoredPairs(unique // count, unique % count, np.concatenate(found)[first])


def decide_by_rules(pairs: ScoredPairs, labels: Ints) -> Mapping[str, tuple[Rows, Rows]]:
    """Rule to the rows a and b of the pairs that it chooses.

    Args:
        labels: (N,) such as the sellers of the listings, as numbers; see `may_pair`.
    """
    margin = _margin(pairs, len(labels))
    chosen = {MUTUAL: margin > 0, CLEAR: margin > MARGIN, FIXED: pairs.scores >= LEAST_SCORE}
    decided = {name: (pairs.a[mask], pairs.b[mask]) for name, mask in chosen.items()}
    return {**decided, CONNECTED: _within_components(*decided[FIXED], labels)}


def _margin(pairs: ScoredPairs, count: int) -> Doubles:
    """(P,) how far each pair is above the best other pair of either of its listings.

    Pairs 0-1 of 0.9, 1-2 of 0.6 and 3-4 of 0.5 have 0.3, -0.3 and infinity.
    """
    ends, scores = np.concatenate([pairs.a, pairs.b]), np.tile(pairs.scores, 2)
    order = np.lexsort((-scores, ends))
    ends, scores = ends[order], scores[order]
    first = np.diff(ends, prepend=-1) > 0
    second = np.concatenate([[False], first[:-1]]) & ~first
    best, following = np.full(count, -np.inf), np.full(count, -np.inf)
    best[ends[first]], following[ends[second]] = scores[first], scores[second]
    rivals = [
        np.where(pairs.scores >= best[side], following[side], best[side]) for side in (pairs.a, pairs.b)
    ]
    margin: Doubles = pairs.scores - np.maximum(*rivals)
    return margin


def _within_components(a: Rows, b: Rows, labels: Ints) -> tuple[Rows, Rows]:
    """All pairs that may be and that the pairs a and b connect."""
    one, other = pairs_within(components(len(labels), a, b))
    allowed = may_pair(labels[one], labels[other])
    return one[allowed], other[allowed]
