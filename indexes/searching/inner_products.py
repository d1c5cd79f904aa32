"""Computes inner products that are equal to the last bit for equal vectors, and sets when FAISS uses BLAS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
import numpy as np

from itemsearch.indexes.arrays import Floats, Rows, Vectors, as_float32
from itemsearch.indexes.storage.vectors import BLOCK_NUMBERS, AnyVectors, StoredVectors

_MATRIX_QUERIES = 4
"""The number of queries from which a matrix product is faster than pair by pair (36,000 x 384 on one core: 13
ms for any number from 1 to 16, 5.5 ms for each query by pairs)."""


def prefer_matrix_products(dim: int) -> None:
    """Makes FAISS use BLAS from 4 queries on.

    By default FAISS 1.15 does so only if queries x dimensions reach 128,000: not for 333 queries of 384
    numbers, nor for a k-means over 16,000 pieces of 4 or 6 numbers, and both are then ten times slower. The
    threshold applies to the whole process. It changes the speed and the last bit of a sum, nothing else.
    """
    faiss.cvar.distance_compute_blas_threshold = _MATRIX_QUERIES * dim


def inner_products(queries: Vectors, vectors: AnyVectors, rows: Rows) -> Floats:
    """(Q, C) float32 inner products of (Q, D) queries with the `rows` (Q, C) of (N, D) vectors, clipped to
    [-1, 1]; -inf where the row is -1.

    Every pair is summed in the same order, so that equal vectors score equal to the last bit. Vectors are
    read in place where they are float32 in one file; else they are gathered, a few queries' at a time.
    """
    if not isinstance(vectors, StoredVectors):
        scores = _sums(queries, vectors, rows)
    elif vectors.mapped is not None:
        scores = _sums(queries, vectors.mapped, vectors.places_of(rows))
    else:
        scores = _gathered_sums(queries, vectors, vectors.places_of(rows))
    np.minimum(scores, np.float32(1), out=scores)
    np.maximum(scores, np.float32(-1), out=scores)
    if rows.size and rows.min() < 0:
        scores[rows < 0] = -np.inf
    return scores


def _gathered_sums(queries: Vectors, vectors: StoredVectors, places: Rows) -> Floats:
    """(Q, C) unclipped, of vectors that are copied and converted first."""
    count, dim = places.shape[1], queries.shape[1]
    together, columns = max(BLOCK_NUMBERS // max(count * dim, 1), 1), max(BLOCK_NUMBERS // dim, 1)
    scores = np.empty(places.shape, np.float32)
    for start in range(0, len(queries), together):
        for column in range(0, count, columns):
            part = slice(start, start + together), slice(column, column + columns)
            some = places[part]
            gathered = as_float32(vectors.gather(some.ravel()))
            scores[part] = _sums(queries[part[0]], gathered, np.arange(some.size).reshape(some.shape))
    return scores


def _sums(queries: Vectors, vectors: Vectors, places: Rows) -> Floats:
    """(Q, C) unclipped, of vectors in memory."""
    scores = np.empty(places.shape, np.float32)
    pointers = [faiss.swig_ptr(array) for array in (scores, queries, vectors, np.ascontiguousarray(places))]
    # FAISS distributes queries over threads; a single query would only wait for those of a busy machine.
    threads = faiss.omp_get_max_threads() if len(queries) == 1 else 1
    if threads > 1:
        faiss.omp_set_num_threads(1)
    faiss.fvec_inner_products_by_idx(*pointers, queries.shape[1], *places.shape)  # type: ignore[attr-defined]
    if threads > 1:
        faiss.omp_set_num_threads(threads)
    return scores


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits FAISS to one thread within the context."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
