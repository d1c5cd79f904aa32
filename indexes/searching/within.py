"""Searches under limits that differ from query to query."""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Floats, Rows, Vectors
from itemsearch.indexes.searching.allowed import UNKNOWN, Limits
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.vector_index import VectorIndex

SPARE_ROWS = 100


def search_within(
    index: VectorIndex, queries: Vectors, k: int, limits: Limits, params: SearchParams | None = None
) -> tuple[Floats, Rows]:
    """As `VectorIndex.search`: the k nearest rows to each of (Q, D) queries, of those that `limits` allow.

    If labels have to differ, more than k rows are searched and those of the query's own label are dropped.
    Queries with fewer than k rows left are searched again among the rows of other labels alone.
    """
    labels, own = limits.labels, limits.own
    exclude = np.full(len(queries), -1) if limits.exclude is None else limits.exclude
    if labels is None or own is None:
        return index.search(queries, k, params, exclude, limits.allowed)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    known = np.flatnonzero(own != UNKNOWN)
    more = 2 * k + SPARE_ROWS
    near, near_rows = index.search(queries[known], more, params, exclude[known], limits.allowed)
    near_labels = np.where(near_rows >= 0, labels[near_rows], UNKNOWN)
    differs = (near_labels != own[known, None]) & (near_labels != UNKNOWN)
    # One query of label 7, k = 2, rows found with labels [7 4 7 5]:
    #   differs [0 1 0 1]    first [1 3]    fits [1 1]
    first = np.argsort(~differs, axis=1, kind="stable")[:, :k]
    fits = np.take_along_axis(differs, first, axis=1)
    scores[known] = np.where(fits, np.take_along_axis(near, first, axis=1), -np.inf)
    rows[known] = np.where(fits, np.take_along_axis(near_rows, first, axis=1), -1)
    short = known[(near_rows[:, -1] >= 0) & (differs.sum(axis=1) < k)]
    for label in np.unique(own[short]):
        mask = (labels != label) & (labels != UNKNOWN)
        allowed = index.allow(mask if limits.allowed is None else mask & limits.allowed.mask)
        same = short[own[short] == label]
        scores[same], rows[same] = index.search(queries[same], k, params, exclude[same], allowed)
    return scores, rows
