"""Nearest vectors: candidates from the index, then ranked by their exact inner product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from indexes.choose import IndexSpec
from indexes.compare import inner_products, prefer_matrix_products
from indexes.distinct import DistinctVectors, HashedVectors, Rows, Vectors
from indexes.errors import DamagedIndexError, QueryError
from indexes.files import (
    FAISS_INDEX,
    TIE_RANK,
    VECTORS,
    map_array,
    read_distinct,
    read_faiss,
    read_files_summary,
    read_hashed,
)
from indexes.params import SearchParams, Tuning, default_params, read_tuning

BLOCK_QUERIES = 1024
BLOCK_CANDIDATES = 2_000_000
BLOCK_VECTORS = 65_536
SPARE_CANDIDATES = 16
ROUNDING = 1e-5
"""How far two ways of summing the same inner product in float32 may end apart."""


class VectorIndex:
    """N vectors of length 1 in D dimensions, searched by inner product, which is then the cosine.

    vectors (N, D) float32 and tie_rank (N,) int64 are mapped from their files: rows of equal score come in
    order of tie_rank. `index` finds different vectors by number, `distinct` tells the rows of each,
    `hashed` knows the very same vector; the exact kind needs neither `index` nor `hashed`.
    """

    def __init__(
        self,
        spec: IndexSpec,
        vectors: Vectors,
        tie_rank: Rows,
        distinct: DistinctVectors,
        index: Any | None,
        hashed: HashedVectors | None,
        tuning: Tuning | None,
    ) -> None:
        self.spec = spec
        self.vectors = vectors
        self.tie_rank = tie_rank
        self.distinct = distinct
        self.index = index
        self.hashed = hashed
        self.tuning = tuning

    @classmethod
    def open(cls, folder: Path) -> VectorIndex:
        """Opens what `save_index` wrote; reads little, maps the rest.

        Raises:
            DamagedIndexError: a file is missing or not whole, or files do not belong together.
        """
        summary = read_files_summary(folder)
        vectors, tie_rank = map_array(folder / VECTORS), map_array(folder / TIE_RANK)
        distinct = read_distinct(folder)
        index: Any = None
        hashed = None
        if summary.spec.kind != "exact":
            index, hashed = read_faiss(folder / FAISS_INDEX), read_hashed(folder)
        shapes = vectors.shape, tie_rank.shape, distinct.rows.shape, distinct.offsets[-1]
        rows, dim = summary.rows, summary.dim
        if shapes != ((rows, dim), (rows,), (rows,), rows) or (
            hashed is not None and (index.ntotal, index.d, len(hashed)) != (len(distinct), dim, len(distinct))
        ):
            raise DamagedIndexError(f"{folder}: its files are not of one index; build the index again")
        prefer_matrix_products(summary.dim)
        return cls(summary.spec, vectors, tie_rank, distinct, index, hashed, read_tuning(folder))

    def search(
        self, queries: Vectors, k: int, params: SearchParams | None = None, exclude: Rows | None = None
    ) -> tuple[Vectors, Rows]:
        """The k rows nearest to each of (Q, D) queries of length 1.

        Args:
            params: defaults to those the index was tuned to, else to `default_params`; an exact index
                has none.
            exclude: (Q,) a row to leave out of each query's answer, such as its own; -1 for none.

        Returns:
            scores (Q, k) float32 in [-1, 1], exact, best first; rows (Q, k) int64. Where the index holds
            fewer than k rows, -1 and a score of -inf fill the rest. Among equal scores the lowest tie_rank
            wins: among all rows of one vector always, among different vectors that happen to score the
            same for an exact index, and as far as they are candidates for IVF-PQ.

        Raises:
            QueryError: k below 1, queries of another length than the vectors', or not finite.
        """
        queries = self._checked(queries, k)
        params = params or self.params(k)
        left_out = np.full(len(queries), -1) if exclude is None else exclude
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        for block in _blocks(len(queries), max(params.candidates, k)):
            near, entries = self._entries(queries[block], min(k + 1, len(self.distinct)), params)
            self._write_rows(near, entries, left_out[block], scores[block], rows[block])
        return scores, rows

    def search_entries(self, queries: Vectors, count: int, params: SearchParams) -> tuple[Vectors, Rows]:
        """(Q, count) exact scores and numbers of the best different vectors, best first, -1 for none."""
        blocks = _blocks(len(queries), max(params.candidates, count))
        found = [self._entries(queries[block], count, params) for block in blocks]
        return np.concatenate([near for near, _ in found]), np.concatenate([each for _, each in found])

    def params(self, k: int) -> SearchParams:
        """How k results are searched for by default."""
        return self.tuning.params(k) if self.tuning else default_params(self.spec, k)

    def _checked(self, queries: Vectors, k: int) -> Vectors:
        queries = np.ascontiguousarray(queries, np.float32)
        if k < 1:
            raise QueryError(f"k is {k}: ask for 1 or more")
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1]:
            raise QueryError(
                f"queries of shape {queries.shape}: the index holds {self.vectors.shape[1]} numbers"
            )
        if (wrong := np.flatnonzero(~np.isfinite(queries).all(axis=1))).size:
            raise QueryError(f"the vector of query {int(wrong[0])} is not finite")
        return queries

    def _write_rows(self, near: Vectors, entries: Rows, left_out: Rows, scores: Vectors, rows: Rows) -> None:
        """Fills (q, k) `scores` and `rows` with the best rows of (q, c) entries."""
        k = rows.shape[1]
        query, score, row = self.distinct.rows_of(near, entries, k + 1)
        order = np.lexsort((self.tie_rank[row], -score, query))
        order = order[row[order] != left_out[query[order]]]
        query, score, row = query[order], score[order], row[order]
        place = np.arange(len(query)) - np.searchsorted(query, query)
        fits = place < k
        scores[query[fits], place[fits]] = score[fits]
        rows[query[fits], place[fits]] = row[fits]

    def _entries(self, queries: Vectors, count: int, params: SearchParams) -> tuple[Vectors, Rows]:
        """(q, count) exact scores and entries of the best different vectors, best first, -1 for none."""
        if self.index is None:
            scores, entries = self._compare_with_all(queries, count)
        else:
            entries = self._with_the_very_same(queries, self._visit_lists(queries, count, params))
            scores = inner_products(queries, self.vectors, self.distinct.first_rows(entries))
        order = np.lexsort((self.tie_rank[self.distinct.first_rows(entries)], -scores), axis=1)[:, :count]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(entries, order, axis=1)

    def _visit_lists(self, queries: Vectors, count: int, params: SearchParams) -> Rows:
        """(q, c) candidates by code; every list is visited for a query whose `nprobe` hold too few."""
        wanted = min(max(params.candidates, count), len(self.distinct))
        entries = self.probe(queries, wanted, min(params.nprobe, self.spec.nlist))
        short = np.flatnonzero(entries[:, count - 1] < 0)
        if short.size:
            entries[short] = self.probe(queries[short], wanted, self.spec.nlist)
        return entries

    def _with_the_very_same(self, queries: Vectors, entries: Rows) -> Rows:
        """(q, c + 1) with each query's own vector among the candidates: its code may not be the nearest."""
        hashed: Any = self.hashed
        own = hashed.find(queries, self.vectors, self.distinct)
        own[(entries == own[:, None]).any(axis=1)] = -1
        return np.column_stack([entries, own])

    def probe(self, queries: Vectors, wanted: int, nprobe: int) -> Rows:
        """(q, wanted) candidates of `nprobe` lists, nearest by code first; -1 for none."""
        index: Any = self.index
        chosen = faiss.SearchParametersIVF()
        chosen.nprobe = nprobe
        entries: Rows = index.search(queries, wanted, params=chosen)[1]
        return entries

    def _compare_with_all(self, queries: Vectors, count: int) -> tuple[Vectors, Rows]:
        """(q, c) scores and entries, among them the best `count` whichever way ties are broken.

        A matrix product rounds the same vector differently from place to place, so its scores only choose
        candidates. Where the worst of them comes near the last that counts, entries beyond may tie with
        it, and the query is compared with every vector alike.
        """
        spare = min(count + SPARE_CANDIDATES, len(self.distinct))
        rough, entries = self.nearest_roughly(queries, spare)
        scores = inner_products(queries, self.vectors, self.distinct.first_rows(entries))
        if spare < len(self.distinct):
            last = -np.partition(-scores, count - 1, axis=1)[:, count - 1]
            firsts = self.distinct.first_rows(np.arange(len(self.distinct)))
            for place in np.flatnonzero(rough.min(axis=1) >= last - ROUNDING):
                alike = inner_products(queries[place : place + 1], self.vectors, firsts[None])[0]
                entries[place] = np.lexsort((self.tie_rank[firsts], -alike))[:spare]
                scores[place] = alike[entries[place]]
        return scores, entries

    def nearest_roughly(self, queries: Vectors, count: int) -> tuple[Vectors, Rows]:
        """(q, count) scores and entries of the nearest of all vectors, as a matrix product has them."""
        scores, entries = [], []
        for start in range(0, len(self.distinct), BLOCK_VECTORS):
            block = self._block(start, min(start + BLOCK_VECTORS, len(self.distinct)))
            near, places = faiss.knn(queries, block, min(count, len(block)), faiss.METRIC_INNER_PRODUCT)
            scores.append(near)
            entries.append(places + start)
        rough, numbers = np.concatenate(scores, axis=1), np.concatenate(entries, axis=1)
        best = np.argpartition(-rough, count - 1, axis=1)[:, :count]
        return np.take_along_axis(rough, best, axis=1), np.take_along_axis(numbers, best, axis=1)

    def _block(self, start: int, stop: int) -> Vectors:
        """The vectors of entries `start` to `stop`, where they lie if all rows differ."""
        if len(self.distinct) == len(self.vectors):
            return self.vectors[start:stop]
        return self.vectors[self.distinct.first_rows(np.arange(start, stop))]


def _blocks(queries: int, each: int) -> Iterator[slice]:
    """So many queries in blocks that hold no more than `BLOCK_CANDIDATES`, of `each` a query."""
    size = min(BLOCK_QUERIES, max(BLOCK_CANDIDATES // each, 1))
    for start in range(0, queries, size):
        yield slice(start, start + size)
