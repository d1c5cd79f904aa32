"""Nearest vectors under limits that differ from query to query."""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.searching.allowed import UNKNOWN, Limits
from itemsearch.indexes.searching.vector_index import VectorIndex

SPARE_ROWS = 100


def search_within(index: VectorIndex, queries: Vectors, k: int, limits: Limits) -> tuple[Vectors, Rows]:
    """As `VectorIndex.search`: the k rows nearest to each of (Q, D) queries that `limits` let through.

    Where labels have to differ, more rows than k are looked up, and those of the query's own label dropped.
    Queries that are then short are asked again among the rows of other labels alone.
    """
    labels, own = limits.labels, limits.own
    exclude = np.full(len(queries), -1) if limits.exclude is None else limits.exclude
    if labels is None or own is None:
        return index.search(queries, k, exclude=exclude, allowed=limits.allowed)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    asked = np.flatnonzero(own != UNKNOWN)
    more = 2 * k + SPARE_ROWS
    near, found = index.search(queries[asked], more, exclude=exclude[asked], allowed=limits.allowed)
    theirs = np.where(found >= 0, labels[found], UNKNOWN)
    differs = (theirs != own[asked, None]) & (theirs != UNKNOWN)
    first = np.argsort(~differs, axis=1, kind="stable")[:, :k]
    fits = np.take_along_axis(differs, first, axis=1)
    scores[asked] = np.where(fits, np.take_along_axis(near, first, axis=1), -np.inf)
    rows[asked] = np.where(fits, np.take_along_axis(found, first, axis=1), -1)
    short = asked[(found[:, -1] >= 0) & (differs.sum(axis=1) < k)]
    for label in np.unique(own[short]):
        mask = (labels != label) & (labels != UNKNOWN)
        allowed = index.allow(mask if limits.allowed is None else mask & limits.allowed.mask)
        same = short[own[short] == label]
        scores[same], rows[same] = index.search(queries[same], k, exclude=exclude[same], allowed=allowed)
    return scores, rows
