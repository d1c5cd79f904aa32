"""Finds nearest vectors: candidates from the FAISS index, ranked by their exact inner product."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from itemsearch.indexes.arrays import Floats, Mask, Rows, Vectors
from itemsearch.indexes.building.held_out import HELD_OUT
from itemsearch.indexes.errors import DamagedIndexError, QueryError
from itemsearch.indexes.searching.allowed import Allowed
from itemsearch.indexes.searching.blocks import in_blocks, kept_options, new_options
from itemsearch.indexes.searching.exact import compare_with_all
from itemsearch.indexes.searching.inner_products import inner_products, prefer_matrix_products
from itemsearch.indexes.searching.params import SearchParams, Tuning, default_params, read_tuning
from itemsearch.indexes.searching.results import write_first, write_rows
from itemsearch.indexes.storage.distinct import DistinctVectors, HashedVectors
from itemsearch.indexes.storage.files import (
    FAISS_INDEX,
    TIE_RANK,
    FilesSummary,
    read_distinct,
    read_faiss,
    read_files_summary,
    read_hashed,
)
from itemsearch.indexes.storage.vectors import AnyVectors, StoredVectors, map_array

COMPARED_NUMBERS = 2**24
"""Allowed rows are compared exactly if their distinct vectors have no more numbers than this, 64 MiB.

65,536 vectors of 256 numbers take 24 ms for a query alone, 0.3 ms for each of 512; the lists take 4 ms and
lose .01 of recall."""

ALLOWED_LISTS, ALLOWED_CANDIDATES = 2, 1000
"""If more rows are allowed, so many lists are visited that they contain twice as many allowed rows as they
would of all rows, and at least so many candidates are ranked. The worst filter tried (360,000 x 256,
IVF2048,PQ32, a sixth of the rows, queries mostly of other kinds) left .78 of the true ten without either, .92
without the candidates, .94 with half the lists; .99 with both."""


class VectorIndex:
    """N vectors of length 1 in D dimensions, searched by inner product, which is then the cosine.

    vectors: (N, D) and tie_rank: (N,) int64, mapped from their files; rows of equal score are in order of
    tie_rank. distinct: the rows of each entry. index: of FAISS, finds entries. hashed: finds the
    entry of an identical vector. index and hashed are None for an exact index.
    """

    def __init__(
        self,
        summary: FilesSummary,
        vectors: StoredVectors,
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
        """Opens the files that `save_index` wrote, most of them mapped.

        Raises:
            DamagedIndexError: a file is missing or not whole, or the files are not of one index.
        """
        summary = read_files_summary(folder)
        vectors, tie_rank = StoredVectors.open(folder), map_array(folder / TIE_RANK)
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
        """Prepares an (N,) mask of rows for any number of searches among them alone."""
        return Allowed.from_mask(mask, self.distinct)

    def search(
        self,
        queries: Vectors,
        k: int,
        params: SearchParams | None = None,
        exclude: Rows | None = None,
        allowed: Allowed | None = None,
    ) -> tuple[Floats, Rows]:
        """The k rows nearest to each of (Q, D) float32 queries of length 1.

        Args:
            params: by default those that the index was tuned to, else `default_params`; an exact index
                has none.
            exclude: (Q,) int64, a row to leave out for each query, such as its own; -1 for none.
            allowed: the rows that results may contain; by default all rows.

        Returns:
            scores (Q, k) float32 in [-1, 1], exact, best first; rows (Q, k) int64; -inf and -1 fill the rest
            if there are fewer than k rows. Rows of equal score are in order of tie_rank; those of distinct
            vectors, in IVF-PQ, as far as they are candidates.

        Raises:
            QueryError: k is below 1, or queries are not finite or not of the dimension of the vectors.
        """
        queries = self._checked(queries, k)
        params = params or self.params(k)
        left_out = np.full(len(queries), -1) if exclude is None else exclude
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        distinct = self.distinct if allowed is None else allowed.distinct
        if not len(distinct):
            return scores, rows

        def answer(block: slice) -> None:
            near, entries = self._entries(queries[block], min(k + 1, len(distinct)), params, allowed)
            if distinct.have_one_row(entries):
                found = distinct.first_rows(entries)
                write_first(near, found, left_out[block], scores[block], rows[block])
            else:
                results = distinct.rows_of(near, entries, k + 1)
                write_rows(results, self.tie_rank, left_out[block], scores[block], rows[block])

        threads = 1 if self._compares_all(allowed) else faiss.omp_get_max_threads()
        in_blocks(answer, len(queries), max(params.candidates, k), threads)
        return scores, rows

    def search_entries(self, queries: Vectors, count: int, params: SearchParams) -> tuple[Floats, Rows]:
        """(Q, count) exact scores and entries of the best distinct vectors, best first; -1 for none."""
        scores, entries = (
            np.empty((len(queries), count), np.float32),
            np.empty((len(queries), count), np.int64),
        )

        def answer(block: slice) -> None:
            scores[block], entries[block] = self._entries(queries[block], count, params, None)

        in_blocks(answer, len(queries), max(params.candidates, count), 1)
        return scores, entries

    def params(self, k: int) -> SearchParams:
        """The parameters by which k results are searched by default."""
        return self.tuning.params(k) if self.tuning else default_params(self.spec, k)

    def held_out(self) -> Rows:
        """(H,) int64, the held-out entries, in random order."""
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

    def _entries(
        self, queries: Vectors, count: int, params: SearchParams, allowed: Allowed | None
    ) -> tuple[Floats, Rows]:
        """(Q, count) exact scores and entries of the best distinct vectors, best first; -1 for none.

        With `allowed`, entries are numbered as in `allowed.distinct`.
        """
        distinct = self.distinct if allowed is None else allowed.distinct
        if self._compares_all(allowed):
            scores, entries = compare_with_all(queries, count, self.compared, distinct, self.tie_rank)
        else:
            entries = self._with_identical(queries, self._visit_lists(queries, count, params, allowed))
            entries = entries if allowed is None else allowed.numbers(entries)
            scores = inner_products(queries, self.vectors, distinct.first_rows(entries))
        order = np.argsort(-scores, axis=1)[:, : count + 1]
        lines = np.arange(len(scores))[:, None]
        best = scores[lines, order]
        ties = (best[:, 1:] == best[:, :-1]) & (best[:, 1:] > -np.inf)
        if ties.any():  # only those queries are sorted by tie rank too
            tied = np.flatnonzero(ties.any(axis=1))
            ranks = self.tie_rank[distinct.first_rows(entries[tied])]
            order[tied] = np.lexsort((ranks, -scores[tied]), axis=1)[:, : count + 1]
            best = scores[lines, order]
        return best[:, :count], entries[lines, order[:, :count]]

    def _compares_all(self, allowed: Allowed | None) -> bool:
        """Whether all allowed vectors are compared, since there are no lists or they are few."""
        few = allowed is not None and len(allowed.distinct) * self.vectors.shape[1] <= COMPARED_NUMBERS
        return self.index is None or few

    @cached_property
    def compared(self) -> AnyVectors:
        """The vectors for comparing all: those of a small exact index are converted once."""
        small = len(self.vectors) * self.vectors.shape[1] <= COMPARED_NUMBERS
        return self.vectors[:] if self.index is None and small else self.vectors

    def _visit_lists(
        self, queries: Vectors, count: int, params: SearchParams, allowed: Allowed | None
    ) -> Rows:
        """(Q, C) candidates by code; for queries with fewer than `count`, all lists are visited."""
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

    def _with_identical(self, queries: Vectors, entries: Rows) -> Rows:
        """(Q, C) the candidates, or (Q, C + 1) with the entries of equal vectors that codes miss."""
        hashed: Any = self.hashed
        rounded = self.vectors.rounded(queries)
        own = hashed.candidates(rounded)
        missing = np.flatnonzero((own >= 0) & ~(entries == own[:, None]).any(axis=1))
        if not missing.size:
            return entries
        found = np.full((len(queries), 1), -1)
        found[missing, 0] = hashed.find(rounded[missing], self.vectors, self.distinct)
        return np.concatenate([entries, found], axis=1)

    def probe(self, queries: Vectors, wanted: int, nprobe: int, selector: Any | None = None) -> Rows:
        """(Q, wanted) candidates from `nprobe` lists, nearest by code first; -1 for none."""
        index: Any = self.index
        options = kept_options(nprobe) if selector is None else new_options(nprobe, selector)
        entries: Rows = index.search(queries, wanted, params=options)[1]
        return entries
