"""Exact search: every vector is compared with every query."""

from __future__ import annotations

import faiss
import numpy as np

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.storage.distinct import DistinctVectors

BLOCK_VECTORS = 65_536
SPARE_CANDIDATES = 16
ROUNDING = 1e-5
"""How far two ways of summing the same inner product in float32 may end apart."""


def compare_with_all(
    queries: Vectors, count: int, vectors: Vectors, distinct: DistinctVectors, tie_rank: Rows
) -> tuple[Vectors, Rows]:
    """(q, c) scores and entries of `distinct`, among them the best `count` whichever way ties are broken.

    A matrix product rounds the same vector differently from place to place, so its scores only choose
    candidates. Where the worst of them comes near the last that counts, entries beyond may tie with
    it, and the query is compared with every vector alike.
    """
    spare = min(count + SPARE_CANDIDATES, len(distinct))
    rough, entries = nearest_roughly(queries, spare, vectors, distinct)
    scores = inner_products(queries, vectors, distinct.first_rows(entries))
    if spare < len(distinct):
        last = -np.partition(-scores, count - 1, axis=1)[:, count - 1]
        firsts = distinct.first_rows(np.arange(len(distinct)))
        for place in np.flatnonzero(rough.min(axis=1) >= last - ROUNDING):
            alike = inner_products(queries[place : place + 1], vectors, firsts[None])[0]
            entries[place] = np.lexsort((tie_rank[firsts], -alike))[:spare]
            scores[place] = alike[entries[place]]
    return scores, entries


def nearest_roughly(
    queries: Vectors, count: int, vectors: Vectors, distinct: DistinctVectors
) -> tuple[Vectors, Rows]:
    """(q, count) scores and entries of the nearest vectors, as a matrix product has them."""
    scores, entries = [], []
    for start in range(0, len(distinct), BLOCK_VECTORS):
        block = _block(start, min(start + BLOCK_VECTORS, len(distinct)), vectors, distinct)
        near, places = faiss.knn(queries, block, min(count, len(block)), faiss.METRIC_INNER_PRODUCT)
        scores.append(near)
        entries.append(places + start)
    rough, numbers = np.concatenate(scores, axis=1), np.concatenate(entries, axis=1)
    best = np.argpartition(-rough, count - 1, axis=1)[:, :count]
    return np.take_along_axis(rough, best, axis=1), np.take_along_axis(numbers, best, axis=1)


def _block(start: int, stop: int, vectors: Vectors, distinct: DistinctVectors) -> Vectors:
    """The vectors of entries `start` to `stop`, where they lie if all rows differ."""
    if len(distinct) == len(vectors):
        return vectors[start:stop]
    return vectors[distinct.first_rows(np.arange(start, stop))]
