"""Exact search: every vector is compared with every query."""

from __future__ import annotations

import faiss
import numpy as np

from itemsearch.indexes.arrays import Floats, Rows, Vectors
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.storage.distinct import DistinctVectors
from itemsearch.indexes.storage.vectors import AnyVectors

BLOCK_VECTORS = 65_536
SPARE_CANDIDATES = 16
ROUNDING = 1e-5
"""The largest difference of two sums of the same inner product in float32."""


def compare_with_all(
    queries: Vectors, count: int, vectors: AnyVectors, distinct: DistinctVectors, tie_rank: Rows
) -> tuple[Floats, Rows]:
    """(Q, C) exact scores and entries of `distinct`, among them the best `count`, however ties are broken.

    A matrix product rounds the inner product of equal vectors differently at different positions, so its
    scores only choose candidates. If the score of the worst candidate is near the `count`-th best, entries
    that are not candidates may tie with it, and the query is compared with every vector by `inner_products`.

    Args:
        queries: (Q, D) float32. vectors: (N, D) float32. tie_rank: (N,) int64.
    """
    spare = min(count + SPARE_CANDIDATES, len(distinct))
    rough, entries = nearest_roughly(queries, spare, vectors, distinct)
    scores = inner_products(queries, vectors, distinct.first_rows(entries))
    if spare < len(distinct):
        last = -np.partition(-scores, count - 1, axis=1)[:, count - 1]
        firsts = distinct.first_rows(np.arange(len(distinct)))
        for place in np.flatnonzero(rough.min(axis=1) >= last - ROUNDING):
            exact = inner_products(queries[place : place + 1], vectors, firsts[None])[0]
            entries[place] = np.lexsort((tie_rank[firsts], -exact))[:spare]
            scores[place] = exact[entries[place]]
    return scores, entries


def nearest_roughly(
    queries: Vectors, count: int, vectors: AnyVectors, distinct: DistinctVectors
) -> tuple[Floats, Rows]:
    """(Q, count) scores and entries of the nearest vectors, unordered, as a matrix product rounds them."""
    scores, entries = [], []
    for start in range(0, len(distinct), BLOCK_VECTORS):
        block = _block(start, min(start + BLOCK_VECTORS, len(distinct)), vectors, distinct)
        near, places = faiss.knn(queries, block, min(count, len(block)), faiss.METRIC_INNER_PRODUCT)
        scores.append(near)
        entries.append(places + start)
    rough, numbers = np.concatenate(scores, axis=1), np.concatenate(entries, axis=1)
    best = np.argpartition(-rough, count - 1, axis=1)[:, :count]
    return np.take_along_axis(rough, best, axis=1), np.take_along_axis(numbers, best, axis=1)


def _block(start: int, stop: int, vectors: AnyVectors, distinct: DistinctVectors) -> Vectors:
    """The vectors of entries `start` to `stop`, without a copy if all rows are distinct."""
    if len(distinct) == len(vectors):
        return vectors[start:stop]
    return vectors[distinct.first_rows(np.arange(start, stop))]
