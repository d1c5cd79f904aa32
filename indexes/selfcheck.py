"""Whether an index finds its own rows: the question that tells an index that belongs to its vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from indexes.compare import inner_products
from indexes.distinct import Rows
from indexes.search import SearchParams, VectorIndex, default_params

BLOCK_ROWS = 1024
CANDIDATE_SHARE = 4
MOST_CANDIDATES = 20_000


def lost_rows(index: VectorIndex, rows: Rows) -> Iterator[Rows]:
    """Those of (R,) rows whose own vector finds something less like it first; an array a block of rows.

    A row that thousands of near-equal ones crowd out of the usual candidates is looked for among a quarter of
    the index: how much a search misses is measured as recall, this asks whether the index holds the row. An
    index of other vectors still fails, for three in four of its rows do.
    """
    usual = default_params(index.spec, 1)
    share = min(len(index.vectors) // CANDIDATE_SHARE, MOST_CANDIDATES)
    wide = SearchParams(usual.nprobe, max(usual.candidates, share))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        missed = _missed(index, block, usual)
        yield _missed(index, missed, wide) if missed.size else missed


def _missed(index: VectorIndex, rows: Rows, params: SearchParams) -> Rows:
    vectors = np.ascontiguousarray(index.vectors[rows])
    best = index.search(vectors, 1, params)[0]
    own = inner_products(vectors, index.vectors, rows[:, None])
    missed: Rows = rows[best[:, 0] < own[:, 0]]
    return missed
