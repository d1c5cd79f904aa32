"""Fills the arrays that a search returns, from the best of its candidates."""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Floats, Rows


def write_first(near: Floats, found: Rows, left_out: Rows, scores: Floats, rows: Rows) -> None:
    """Fills (Q, k) `scores` and `rows` from the (Q, C) best, in order, each an entry's only row."""
    is_left_out = found == left_out[:, None]
    if is_left_out.any():
        # One query, found [4 7 2], 7 is left out:
        #   one column more [4 7 2 -1]    place 1    places [0 2 3]    kept [4 2 -1]
        place = np.where(is_left_out.any(axis=1), is_left_out.argmax(axis=1), found.shape[1])
        columns = np.arange(found.shape[1])
        places = columns + (columns >= place[:, None])
        lines = np.arange(len(found))[:, None]
        near = np.pad(near, ((0, 0), (0, 1)), constant_values=-np.inf)[lines, places]
        found = np.pad(found, ((0, 0), (0, 1)), constant_values=-1)[lines, places]
    count = min(rows.shape[1], found.shape[1])
    scores[:, :count], rows[:, :count] = near[:, :count], found[:, :count]


def write_rows(
    results: tuple[Rows, Floats, Rows], tie_rank: Rows, left_out: Rows, scores: Floats, rows: Rows
) -> None:
    """Fills (Q, k) `scores` and `rows` with the best results of `DistinctVectors.rows_of`."""
    query, score, row = results
    rank = tie_rank[row]
    tied = (query[1:] == query[:-1]) & (score[1:] == score[:-1])
    if (tied & (rank[1:] < rank[:-1])).any():  # rows of different vectors that score the same
        order = np.lexsort((rank, -score, query))
        query, score, row = query[order], score[order], row[order]
    kept = row != left_out[query]
    query, score, row = query[kept], score[kept], row[kept]
    place = np.arange(len(query)) - np.searchsorted(query, query)
    fits = place < rows.shape[1]
    scores[query[fits], place[fits]] = score[fits]
    rows[query[fits], place[fits]] = row[fits]
