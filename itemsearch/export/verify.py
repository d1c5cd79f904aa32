"""Compares the neighbours that a target finds with those of exact search in the index."""

from __future__ import annotations

import numpy as np

from itemsearch.errors import ExportError
from itemsearch.export.types import Target
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.searching.exact import ROUNDING, compare_with_all
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.search.engine import Engine

NEIGHBOURS = 10
BLOCK_QUERIES = 256


def verify(engine: Engine, target: Target, queries: int, where: str) -> int:
    """Asks the target for the `NEIGHBOURS` nearest of listings drawn at random; returns how many were asked.

    A target is right if at each place it has a listing whose exact cosine is ours at that place, to within
    `ROUNDING`: listings that tie may come in any order, and a tie at the last place either way.

    Raises:
        ExportError: the counts differ, or an answer is not ours.
    """
    index = engine.index
    if (count := target.count()) != len(index.vectors):
        raise ExportError(
            f"{where}: has {count:,} rows, the index {len(index.vectors):,}; export again with --replace"
        )
    drawn = np.random.default_rng(0).permutation(len(index.vectors))[:queries]
    wrong: list[str] = []
    for start in range(0, len(drawn), BLOCK_QUERIES):
        wrong += _wrong(engine, target, np.sort(drawn[start : start + BLOCK_QUERIES]))
    if wrong:
        raise ExportError(
            f"{where}: other neighbours than exact search for {len(wrong):,} of {len(drawn):,} queries, as "
            f"for id {wrong[0]!r}; export again with --replace"
        )
    return len(drawn)


def exact_scores(index: VectorIndex, queries: Floats, k: int) -> Floats:
    """(Q, k) float32, the k largest cosines of each of (Q, D) queries with all rows, largest first."""
    distinct = index.distinct
    count = min(k, len(distinct))
    scores, entries = compare_with_all(queries, count, index.vectors, distinct, index.tie_rank)
    order = np.argsort(-scores, axis=1)[:, :count]
    sizes = np.diff(distinct.offsets)[np.take_along_axis(entries, order, axis=1)]
    best = np.take_along_axis(scores, order, axis=1)
    return np.stack([np.repeat(*each)[:k] for each in zip(best, sizes, strict=True)])


def _wrong(engine: Engine, target: Target, rows: Rows) -> list[str]:
    """The ids of the rows whose neighbours in the target are not ours."""
    index = engine.index
    queries = np.ascontiguousarray(index.vectors[rows], np.float32)
    k = min(NEIGHBOURS, len(index.vectors))
    ours, wrong = exact_scores(index, queries, k), []
    for place, found in enumerate(target.nearest(queries, k)):
        known = [engine.find_row(id) for id in found]
        there = np.array([row for row in known if row is not None], np.int64)
        if len(set(there)) == k and None not in known:
            theirs = np.sort(inner_products(queries[place : place + 1], index.vectors, there[None])[0])[::-1]
            if np.abs(theirs - ours[place]).max() <= ROUNDING:
                continue
        wrong.append(engine.listings["id"][int(rows[place])].as_py())
    return wrong
