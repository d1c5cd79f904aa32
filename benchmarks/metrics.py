"""Recall from ids and scores, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
MISSING = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Interval:
    """A share and its bootstrap 95% interval over queries (percentile method)."""

    value: float
    low: float
    high: float


def ranks_from_scores(
    queries: npt.NDArray[np.float32], gallery: npt.NDArray[np.float32], expected: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """(Q,) rank, from 1, of each query's expected row among (N, D) of length 1; ties count against it."""
    ranks = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), 512):
        scores = queries[start : start + 512] @ gallery.T  # (q, N)
        own = np.take_along_axis(scores, expected[start : start + 512, None], axis=1)
        ranks[start : start + 512] = (scores >= own - 1e-6).sum(axis=1)
    return ranks


def recall_at(ranks: npt.NDArray[np.int64], k: int, seed: int = 0) -> Interval:
    """The share of queries whose expected row is among the first k."""
    hits = (ranks <= k).astype(float)
    # The resampled mean of n zeros and ones is a binomial draw over n.
    means = np.random.default_rng(seed).binomial(len(hits), hits.mean(), RESAMPLES) / len(hits)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(hits.mean()), float(low), float(high))
