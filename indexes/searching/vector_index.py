"""Nearest vectors: candidates from the index, then ranked by their exact inner product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from itemsearch.indexes.arrays import Mask, Rows, Vectors
from itemsearch.indexes.building.held_out import HELD_OUT
from itemsearch.indexes.errors import DamagedIndexError, QueryError
from itemsearch.indexes.searching.allowed import Allowed
from itemsearch.indexes.searching.exact import compare_with_all
from itemsearch.indexes.searching.inner_products import inner_products, prefer_matrix_products
from itemsearch.indexes.searching.params import SearchParams, Tuning, default_params, read_tuning
from itemsearch.indexes.storage.distinct import DistinctVectors, HashedVectors
from itemsearch.indexes.storage.files import (
    FAISS_INDEX,
    TIE_RANK,
    VECTORS,
    FilesSummary,
    map_array,
    read_distinct,
    read_faiss,
    read_files_summary,
    read_hashed,
)

BLOCK_QUERIES = 1024
BLOCK_CANDIDATES = 2_000_000
COMPARED_NUMBERS = 2**24
"""Allowed rows whose different vectors hold no more numbers than this, 64 MiB, are compared one by one.

65,536 of 256: 24 ms for a query alone, 0.3 ms for one of 512, where the lists take 4 ms and lose .01."""

ALLOWED_LISTS, ALLOWED_CANDIDATES = 2, 1000
"""Among allowed rows that are more: the lists visited hold twice as many of them as they would of all rows,
and at least so many candidates are ranked. The worst filter tried (360,000 x 256, IVF2048,PQ32, a sixth of
the rows, queries mostly of other kinds) left .78 of the true ten without either, .92 without the candidates,
.94 with half the lists; .99 with both."""


class VectorIndex:
    """N vectors of length 1 in D dimensions, searched by inner product, which is then the cosine.

    vectors (N, D) float32 and tie_rank (N,) int64 are mapped from their files: rows of equal score come in
    order of tie_rank. `index` finds different vectors by number, `distinct` tells the rows of each,
    `hashed` knows the very same vector; the exact kind needs neither `index` nor `hashed`.
    """

    def __init__(
        self,
        summary: FilesSummary,
        vectors: Vectors,
        tie_rank: Rows,
        distinct: DistinctVectors,
        index: Any | None,
        hashed: HashedVectors | None,
        tuning: Tuning | None,
    ) -> None:
        self.spec = summary.spec
        self.training = summary.training
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
        return cls(summary, vectors, tie_rank, distinct, index, hashed, read_tuning(folder))

    def allow(self, mask: Mask) -> Allowed:
        """The rows of an (N,) mask, made ready for any number of searches among them alone."""
        return Allowed.from_mask(mask, self.distinct)

    def search(
        self,
        queries: Vectors,
        k: int,
        params: SearchParams | None = None,
        exclude: Rows | None = None,
        allowed: Allowed | None = None,
    ) -> tuple[Vectors, Rows]:
        """The k rows nearest to each of (Q, D) queries of length 1.

        Args:
            params: defaults to those the index was tuned to, else to `default_params`; an exact index
                has none.
            exclude: (Q,) a row to leave out of each query's answer, such as its own; -1 for none.
            allowed: what answers are made of; by default every row. Few rows are compared one by one.

        Returns:
            scores (Q, k) float32 in [-1, 1], exact, best first; rows (Q, k) int64. Where there are fewer
            than k rows, -1 and a score of -inf fill the rest. Among equal scores the lowest tie_rank
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
        distinct = self.distinct if allowed is None else allowed.distinct
        if not len(distinct):
            return scores, rows
        for block in _blocks(len(queries), max(params.candidates, k)):
            near, entries = self._entries(queries[block], min(k + 1, len(distinct)), params, allowed)
            found = distinct.rows_of(near, entries, k + 1)
            self._write_rows(found, left_out[block], scores[block], rows[block])
        return scores, rows

    def search_entries(self, queries: Vectors, count: int, params: SearchParams) -> tuple[Vectors, Rows]:
        """(Q, count) exact scores and numbers of the best different vectors, best first, -1 for none."""
        blocks = _blocks(len(queries), max(params.candidates, count))
        found = [self._entries(queries[block], count, params, None) for block in blocks]
        return np.concatenate([near for near, _ in found]), np.concatenate([each for _, each in found])

    def params(self, k: int) -> SearchParams:
        """How k results are searched for by default."""
        return self.tuning.params(k) if self.tuning else default_params(self.spec, k)

    def held_out(self) -> Rows:
        """(H,) entries to measure on, in random order: the index was not trained on them."""
        if self.training is None or self.hashed is None:
            return np.random.default_rng(0).permutation(len(self.distinct))[:HELD_OUT]
        below = np.searchsorted(self.hashed.hashes, np.uint64(self.training.held_out_below))
        return self.hashed.entries[:below]

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

    def _write_rows(
        self, found: tuple[Rows, Vectors, Rows], left_out: Rows, scores: Vectors, rows: Rows
    ) -> None:
        """Fills (q, k) `scores` and `rows` with the best of what `rows_of` found."""
        query, score, row = found
        rank = self.tie_rank[row]
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

    def _entries(
        self, queries: Vectors, count: int, params: SearchParams, allowed: Allowed | None
    ) -> tuple[Vectors, Rows]:
        """(q, count) exact scores and entries of the best different vectors, best first, -1 for none.

        Entries are numbered as in `allowed.distinct` where rows are chosen.
        """
        distinct = self.distinct if allowed is None else allowed.distinct
        few = allowed is not None and len(distinct) * queries.shape[1] <= COMPARED_NUMBERS
        if self.index is None or few:
            scores, entries = compare_with_all(queries, count, self.vectors, distinct, self.tie_rank)
        else:
            entries = self._with_the_very_same(queries, self._visit_lists(queries, count, params, allowed))
            entries = entries if allowed is None else allowed.numbers(entries)
            scores = inner_products(queries, self.vectors, distinct.first_rows(entries))
        order = _by_score(scores, self.tie_rank[distinct.first_rows(entries)])[:, :count]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(entries, order, axis=1)

    def _visit_lists(
        self, queries: Vectors, count: int, params: SearchParams, allowed: Allowed | None
    ) -> Rows:
        """(q, c) candidates by code; every list is visited for a query whose `nprobe` hold too few."""
        nprobe, wanted, selector = params.nprobe, max(params.candidates, count), None
        if allowed is not None:
            share = len(allowed.distinct) / len(self.distinct)
            nprobe, wanted = math.ceil(ALLOWED_LISTS * nprobe / share), max(wanted, ALLOWED_CANDIDATES)
            selector = allowed.selector()
        wanted = min(wanted, len(self.distinct))
        entries = self.probe(queries, wanted, min(nprobe, self.spec.nlist), selector)
        short = np.flatnonzero(entries[:, count - 1] < 0)
        if short.size:
            entries[short] = self.probe(queries[short], wanted, self.spec.nlist, selector)
        return entries

    def _with_the_very_same(self, queries: Vectors, entries: Rows) -> Rows:
        """(q, c + 1) with each query's own vector among the candidates: its code may not be the nearest."""
        hashed: Any = self.hashed
        own = hashed.find(queries, self.vectors, self.distinct)
        own[(entries == own[:, None]).any(axis=1)] = -1
        return np.column_stack([entries, own])

    def probe(self, queries: Vectors, wanted: int, nprobe: int, selector: Any | None = None) -> Rows:
        """(q, wanted) candidates of `nprobe` lists, nearest by code first; -1 for none."""
        index: Any = self.index
        chosen = faiss.SearchParametersIVF()
        chosen.nprobe, chosen.sel = nprobe, selector
        entries: Rows = index.search(queries, wanted, params=chosen)[1]
        return entries


def _by_score(scores: Vectors, ranks: Rows) -> Rows:
    """(Q, C) columns by falling score, equal ones by rank: few have any, and sorting all by both is slow."""
    order: Rows = np.argsort(-scores, axis=1)
    best = np.take_along_axis(scores, order, axis=1)
    tied = np.flatnonzero(((best[:, 1:] == best[:, :-1]) & (best[:, 1:] > -np.inf)).any(axis=1))
    order[tied] = np.lexsort((ranks[tied], -scores[tied]), axis=1)
    return order


def _blocks(queries: int, each: int) -> Iterator[slice]:
    """So many queries in blocks that hold no more than `BLOCK_CANDIDATES`, of `each` a query."""
    size = min(BLOCK_QUERIES, max(BLOCK_CANDIDATES // each, 1))
    for start in range(0, queries, size):
        yield slice(start, start + size)
