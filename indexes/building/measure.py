"""How often the true nearest are found, and how long that takes.

Recall is k-recall@k over different vectors: a query is a vector of the index, and neither its own row nor
the rows of the very same vector are counted, for they are found with the query itself and would be right
answers that cost nothing. Equal scores count as equal: whatever scores as well as the k-th true one is right.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.searching.exact import SPARE_CANDIDATES, nearest_roughly
from itemsearch.indexes.searching.inner_products import inner_products, one_thread
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.vector_index import VectorIndex

TIE = 1e-6
"""How far two equal inner products may end apart when float32 sums them: 16 times the spacing of numbers
just below 1."""

TIMED_QUERIES = 500
"""Of which the fifth slowest is the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Q vectors of an index, each to be asked for its `k` nearest others.

    vectors (Q, D); entries (Q,) their own numbers; rows (Q,) one row of each; least (Q,) the exact score of
    the k-th nearest other vector.
    """

    vectors: Vectors
    entries: Rows
    rows: Rows
    least: Vectors
    k: int

    @classmethod
    def from_index(cls, index: VectorIndex, entries: Rows, k: int) -> Asked:
        """Compares (Q,) entries with all others, exactly; k is at most the number of those."""
        k = min(k, len(index.distinct) - 1)
        rows = index.distinct.first_rows(entries)
        vectors = np.ascontiguousarray(index.vectors[rows])
        count = min(k + 1 + SPARE_CANDIDATES, len(index.distinct))
        near = nearest_roughly(vectors, count, index.vectors, index.distinct)[1]
        scores = inner_products(vectors, index.vectors, index.distinct.first_rows(near))
        scores[near == entries[:, None]] = -np.inf
        return cls(vectors, entries, rows, -np.partition(-scores, k - 1)[:, k - 1], k)

    def __len__(self) -> int:
        return len(self.entries)

    def are_right(self, scores: Vectors, entries: Rows) -> npt.NDArray[np.bool_]:
        """(Q, C) which of the entries found, with their exact scores, are among the nearest or tie."""
        right: npt.NDArray[np.bool_] = scores >= self.least[:, None] - TIE
        right &= (entries != self.entries[:, None]) & (entries >= 0)
        return right


@dataclass(frozen=True, slots=True)
class Speed:
    """mean_ms, p99_ms: of queries alone in one thread. queries_per_second: of all at once, in all threads."""

    mean_ms: float
    p99_ms: float
    queries_per_second: float


def measure_recall(index: VectorIndex, asked: Asked, params: SearchParams) -> float:
    """k-recall@k of a search with these parameters."""
    found = index.search_entries(asked.vectors, asked.k + 1, params)
    right = asked.are_right(*found).sum(axis=1)
    return float(np.minimum(right, asked.k).mean() / asked.k)


def measure_speed(index: VectorIndex, asked: Asked, params: SearchParams) -> Speed:
    """By the wall clock, the whole of `VectorIndex.search`, exact ranking included.

    At most `TIMED_QUERIES` are asked alone, as `time_queries` does; all are asked at once, the second time.
    """
    seconds = time_queries(index, asked, params, TIMED_QUERIES)
    index.search(asked.vectors, asked.k, params, asked.rows)
    started = time.perf_counter()
    index.search(asked.vectors, asked.k, params, asked.rows)
    together = len(asked) / (time.perf_counter() - started)
    return Speed(float(seconds.mean() * 1e3), float(np.percentile(seconds, 99) * 1e3), together)


def time_queries(
    index: VectorIndex, asked: Asked, params: SearchParams, most: int
) -> npt.NDArray[np.float64]:
    """(Q,) seconds of the first `most` queries, asked one after another in one thread.

    All are asked twice, and the shorter time of each counts: the other holds what reading from the disk, or
    another program on the same core, took.
    """
    marks = np.empty((2, min(most, len(asked)) + 1))
    with one_thread():
        for turn in marks:
            turn[0] = time.perf_counter()
            for place in range(len(turn) - 1):
                one = slice(place, place + 1)
                index.search(asked.vectors[one], asked.k, params, asked.rows[one])
                turn[place + 1] = time.perf_counter()
    shorter: npt.NDArray[np.float64] = np.diff(marks, axis=1).min(axis=0)
    return shorter
