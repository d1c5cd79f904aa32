"""Measures the recall and the speed of an index.

Recall is k-recall@k over distinct vectors. A query is a vector of the index; its own row and the rows of
identical vectors are not counted, because they are found with the query itself. Ties count as correct: every
result that scores as well as the k-th true neighbour is one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from itemsearch.indexes.arrays import Doubles, Floats, Mask, Rows, Vectors
from itemsearch.indexes.searching.exact import SPARE_CANDIDATES, nearest_roughly
from itemsearch.indexes.searching.inner_products import inner_products, one_thread
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.vector_index import VectorIndex

TIE = 1e-6
"""The largest difference of two equal inner products that are summed in float32: 16 times the spacing of
numbers just below 1."""

TIMED_QUERIES = 500
"""Queries that are timed alone. The fifth slowest of them is the 99th percentile."""


@dataclass(frozen=True, slots=True)
class RecallQueries:
    """Q vectors of an index, whose `k` nearest other vectors are known.

    vectors: (Q, D) float32. entries: (Q,) int64, their own entries. rows: (Q,) int64, one row of each. least:
    (Q,) float32, the exact score of the k-th nearest other vector.
    """

    vectors: Vectors
    entries: Rows
    rows: Rows
    least: Floats
    k: int

    @classmethod
    def from_index(cls, index: VectorIndex, entries: Rows, k: int) -> RecallQueries:
        """Compares (Q,) entries with all others, exactly; k is limited to their number."""
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

    def are_right(self, scores: Floats, entries: Rows) -> Mask:
        """(Q, C) True for results that are among the k nearest or tie with them, by their exact scores."""
        right: Mask = scores >= self.least[:, None] - TIE
        right &= (entries != self.entries[:, None]) & (entries >= 0)
        return right


@dataclass(frozen=True, slots=True)
class Speed:
    """mean_ms, p99_ms: milliseconds of a query alone in one thread. queries_per_second: of all queries in one
    call, in all threads."""

    mean_ms: float
    p99_ms: float
    queries_per_second: float


def measure_recall(index: VectorIndex, queries: RecallQueries, params: SearchParams) -> float:
    """k-recall@k of a search with these parameters."""
    scores, entries = index.search_entries(queries.vectors, queries.k + 1, params)
    right = queries.are_right(scores, entries).sum(axis=1)
    return float(np.minimum(right, queries.k).mean() / queries.k)


def measure_speed(index: VectorIndex, queries: RecallQueries, params: SearchParams) -> Speed:
    """The wall-clock time of `VectorIndex.search`, exact ranking included.

    At most `TIMED_QUERIES` are timed alone, as `time_queries` does. All are then searched in one call, twice,
    and the second call is timed.
    """
    seconds = time_queries(index, queries, params, TIMED_QUERIES)
    index.search(queries.vectors, queries.k, params, queries.rows)
    started = time.perf_counter()
    index.search(queries.vectors, queries.k, params, queries.rows)
    together = len(queries) / (time.perf_counter() - started)
    return Speed(float(seconds.mean() * 1e3), float(np.percentile(seconds, 99) * 1e3), together)


def time_queries(index: VectorIndex, queries: RecallQueries, params: SearchParams, most: int) -> Doubles:
    """(Q,) seconds of the first `most` queries, searched one after another in one thread.

    Each is searched twice, and the shorter time counts: the longer one includes reads from the disk or the
    work of another program on the same core.
    """
    marks = np.empty((2, min(most, len(queries)) + 1))
    with one_thread():
        for turn in marks:
            turn[0] = time.perf_counter()
            for place in range(len(turn) - 1):
                one = slice(place, place + 1)
                index.search(queries.vectors[one], queries.k, params, queries.rows[one])
                turn[place + 1] = time.perf_counter()
    shorter: Doubles = np.diff(marks, axis=1).min(axis=0)
    return shorter
