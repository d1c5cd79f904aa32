"""Computes inner products that are equal to the last bit for equal vectors, and sets when FAISS uses BLAS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import faiss
import numpy as np

from itemsearch.indexes.arrays import Floats, Rows, Vectors

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


def inner_products(queries: Vectors, vectors: Vectors, rows: Rows) -> Floats:
    """(Q, C) float32 inner products of (Q, D) queries with the `rows` (Q, C) of (N, D) vectors, clipped to
    [-1, 1]; -inf where the row is -1.

    Every pair is summed in the same order, straight from the vectors' file where they are mapped, so that
    equal vectors score equal to the last bit.
    """
    scores = np.empty(rows.shape, np.float32)
    pointers = [faiss.swig_ptr(array) for array in (scores, queries, vectors, rows)]
    # FAISS distributes queries over threads; a single query would only wait for those of a busy machine.
    with one_thread() if len(queries) == 1 else nullcontext():
        faiss.fvec_inner_products_by_idx(*pointers, queries.shape[1], *rows.shape)  # type: ignore[attr-defined]
    np.clip(scores, -1.0, 1.0, out=scores)
    scores[rows < 0] = -np.inf
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
