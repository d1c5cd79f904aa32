"""Selects the pairs of listings to compare: nearest neighbours by embedding, and near image hashes.

A shop lists one article thousands of times. Of identical listings only one, their representative, gets
candidates; the others are paired with their representative alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.groups.linkage import components
from itemsearch.duplicates.pairs.image_hash import ImageHashes, near_hash_pairs
from itemsearch.indexes.arrays import Floats, Mask, Rows, unique
from itemsearch.indexes.searching.allowed import Allowed
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.within import search_within
from itemsearch.search.engine import Engine
from itemsearch.search.filter import PreparedFilter


@dataclass(frozen=True, slots=True)
class CandidateConfig:
    """How many candidates there are. neighbours: of each listing, by the joint cosine, and more where all of
    them are strong. near_hash: the largest Hamming distance, in bits of 64, of image hashes that make a
    candidate. window: how many hashes each one is compared with, in sorted order."""

    neighbours: int = 20
    near_hash: int = 6
    window: int = 5


DEFAULT_CANDIDATES = CandidateConfig()
STRONG = 0.6
"""The joint cosine of a strong neighbour: nine in ten relisted pairs of training catalogs reach it, and the
twentieth neighbour of one listing in a hundred does."""
MOST_NEIGHBOURS = 320
"""Of a listing all of whose neighbours are strong."""
MOST_ASKED = 100_000
"""Neighbours that are asked for again in a block of queries: where more would be, most listings have strong
neighbours, and these are no sign of a crowd. A guess."""
LANDMARKS = 16
"""Listings of a crowd that every member is compared with, where its neighbours are not all of the crowd: any
two members are then strong with the same ones."""
FEWER_LISTS, FEW_CANDIDATES = 4, 100
"""A join of all listings visits so many times fewer lists than a search, since either listing of a pair can
find the other. In 100,000 made listings it finds .9993 of the neighbours of cosine .6 and all of those of .7;
with the lists of a search all of both, in 2.7 times the time."""


class Candidates:
    """The pairs of an index's N listings to compare, each as one number, its key: see `split`.

    representative: (N,) the row of each listing's representative. representatives: (R,) the rows that
    represent listings which pass the filter. queries: (A,) those of `representatives` whose neighbours are
    searched.
    """

    def __init__(
        self,
        engine: Engine,
        narrowing: PreparedFilter,
        config: CandidateConfig,
        variant_columns: Sequence[str],
        changed: Mask | None,
    ) -> None:
        """
        Args:
            variant_columns: listings of one content whose values differ in these columns are not identical.
            changed: (N,) the new or changed listings; every pair has one of them. None: all listings.
        """
        self.engine = engine
        self.narrowing = narrowing
        self.config = config
        self.total = engine.listings.num_rows
        self.rows = narrowing.rows(self.total)
        self.changed = np.ones(self.total, bool) if changed is None else changed
        self.both_ways = changed is None
        self.representative = self._representative_of(variant_columns)
        self.representatives = unique(self.representative[self.rows])
        self.queries = self.representatives[self.changed[self.representatives]]

    def near(self, queries: Rows) -> Rows:
        """Keys of pairs of (A,) representatives with their neighbours.

        Where all neighbours of a representative are strong, there may be more of its product: it is asked for
        twice as many, until one is not strong or there are `MOST_NEIGHBOURS`.
        """
        keys, count = [np.empty(0, np.int64)], self.config.neighbours
        while queries.size:
            of_count, full = self._near(queries, count)
            keys.append(of_count)
            more = min(2 * count, MOST_NEIGHBOURS)
            queries = queries[full]
            if count >= min(MOST_NEIGHBOURS, self.total) or len(queries) * more > MOST_ASKED:
                keys.append(self._near_landmarks(queries, count))
                break
            count = more
        return unique(np.concatenate(keys))

    def _near(self, queries: Rows, count: int) -> tuple[Rows, Mask]:
        """Keys of pairs of (A,) representatives with `count` neighbours, and (A,) where all are strong."""
        # A worked example, of 4 neighbours; row 0 represents 1 and 2, row 5 represents 6 and 7:
        #
        #   query  hit_rows     representatives, sorted   is_other   pairs         crowded
        #   0      1  2  5  8   0  0  5  8                . . x x    0-5, 0-8      yes, 2 of 4
        #   5      6  7  0  8   0  5  5  8                x . . x    5-0, 5-8      yes, 2 of 4
        #   8      5  0  3  4   0  3  4  5                x x x x    8-0 to 8-5    no
        #   9      8 -1 -1 -1   -1 -1 -1 8                . . . x    9-8           no, nothing is left
        scores, hit_rows = self._search(queries, self.narrowing.allowed, count)
        representatives = np.sort(np.where(hit_rows >= 0, self.representative[hit_rows], -1), axis=1)
        is_other = (np.diff(representatives, axis=1, prepend=-1) > 0) & (representatives != queries[:, None])
        is_full = hit_rows[:, -1] >= 0
        strong: Mask = is_full & (scores[:, -1] >= STRONG)
        crowded = np.flatnonzero(is_full & (is_other.sum(axis=1) < hit_rows.shape[1]))
        keys = [self._keys(np.repeat(queries, is_other.sum(axis=1)), representatives[is_other])]
        if crowded.size and len(self.representatives) < len(self.rows):
            # Identical listings crowd out others: these queries search the representatives alone.
            scores, hit_rows = self._search(queries[crowded], self._representatives_alone, count)
            repeated = np.repeat(queries[crowded], (hit_rows >= 0).sum(axis=1))
            keys.append(self._keys(repeated, hit_rows[hit_rows >= 0]))
            strong[crowded] = (hit_rows[:, -1] >= 0) & (scores[:, -1] >= STRONG)
        return np.concatenate(keys), strong

    def _near_landmarks(self, queries: Rows, count: int) -> Rows:
        """Keys of pairs of (A,) representatives, whose `count` neighbours are all strong, with the first
        `LANDMARKS` of those that such neighbours connect."""
        _, hit_rows = self._search(queries, self.narrowing.allowed, count)
        one = np.repeat(queries, hit_rows.shape[1])
        other = np.where(hit_rows.ravel() >= 0, self.representative[hit_rows.ravel()], one)
        rows, places = np.unique(np.concatenate([one, other]), return_inverse=True)
        crowd = components(len(rows), places[: len(one)], places[len(one) :])
        of_query = crowd[np.searchsorted(rows, queries)]
        keys = [np.empty(0, np.int64)]
        for number in np.unique(of_query):
            members, landmarks = queries[of_query == number], rows[crowd == number][:LANDMARKS]
            a, b = np.repeat(members, len(landmarks)), np.tile(landmarks, len(members))
            keys.append(self._keys(a[a != b], b[a != b]))
        return np.concatenate(keys)

    def near_pictures(self, image_hashes: ImageHashes) -> Rows:
        """Keys of pairs of representatives with near image hashes."""
        rank = np.empty(self.total, np.int64)
        listings = self.engine.listings
        by_title = listings["title"] if "title" in listings.column_names else listings["id"]
        rank[pc.sort_indices(by_title).to_numpy()] = np.arange(self.total)
        a, b = near_hash_pairs(
            image_hashes, self.representatives, rank, self.config.window, self.config.near_hash
        )
        kept = self.changed[a] | self.changed[b]
        return self._keys(a[kept], b[kept])

    def proposed(self, a: Rows, b: Rows) -> Rows:
        """Keys of the representatives of (P,) pairs of rows that a column proposes."""
        a, b = self.representative[a], self.representative[b]
        passes = np.zeros(self.total, bool)
        passes[self.rows] = True
        kept = (a != b) & passes[a] & passes[b] & (self.changed[a] | self.changed[b])
        return self._keys(a[kept], b[kept])

    def to_representatives(self, between: Rows) -> Rows:
        """Keys of pairs of the other listings with their representatives.

        Where pairs have to differ in a column, identical listings do not: each is then paired with a partner
        of its representative. `between` are the keys of pairs of representatives.
        """
        rows = self.rows[self.representative[self.rows] != self.rows]
        partners = self.representative[rows]
        if self.narrowing.column_values is not None:
            a, b = self.split(between)
            partner = np.full(self.total, -1)
            partner[a], partner[b] = b, a
            rows, partners = rows[partner[partners] >= 0], partner[partners][partner[partners] >= 0]
        kept = self.changed[rows] | self.changed[partners]
        return self._keys(rows[kept], partners[kept])

    def split(self, keys: Rows) -> tuple[Rows, Rows]:
        """(P,) and (P,) the rows of pairs, from their (P,) keys; the id of the first row comes first."""
        return keys // self.total, keys % self.total

    def _keys(self, a: Rows, b: Rows) -> Rows:
        """Unique keys, ascending, of the pairs (a, b) that differ in the filter's column, if it has one."""
        labels = self.narrowing.column_values
        if labels is not None:
            differ = (
                (labels.of_rows[a] != labels.of_rows[b]) & (labels.of_rows[a] >= 0) & (labels.of_rows[b] >= 0)
            )
            a, b = a[differ], b[differ]
        rank = self.engine.index.tie_rank
        first = rank[a] < rank[b]
        keys: Rows = unique(np.where(first, a, b) * self.total + np.where(first, b, a))
        return keys

    def _search(self, queries: Rows, allowed: Allowed | None, count: int) -> tuple[Floats, Rows]:
        """(A, k) the joint cosines and the rows of the `count` nearest listings, row -1 for none."""
        index = self.engine.index
        limits = replace(self.narrowing, allowed=allowed).for_rows(queries)
        params = self._params(count) if self.both_ways else None
        return search_within(index, index.vectors[queries], min(count, self.total), limits, params)

    def _params(self, count: int) -> SearchParams | None:
        """Those of a search from both listings of each pair; None for the usual ones."""
        index = self.engine.index
        if index.tuning is not None:
            return None
        return SearchParams(-(-index.spec.nprobe // FEWER_LISTS), FEW_CANDIDATES + 5 * count)

    @cached_property
    def _representatives_alone(self) -> Allowed:
        mask = np.zeros(self.total, bool)
        mask[self.representatives] = True
        return self.engine.index.allow(mask)

    def _representative_of(self, variant_columns: Sequence[str]) -> Rows:
        """(N,) the first listing, by id, of the same content, the same value of the column to differ in and
        the same values of `variant_columns`; itself for listings that do not pass the filter."""
        listings, index = self.engine.listings, self.engine.index
        if "content_hash" in listings.column_names:
            codes = _codes(listings["content_hash"])
        else:
            codes = np.empty(self.total, np.int64)
            codes[index.distinct.rows] = np.repeat(
                np.arange(len(index.distinct)), np.diff(index.distinct.offsets)
            )
            codes = _together(codes, _codes(listings["title"])) if "title" in listings.column_names else codes
        for column in variant_columns:
            codes = _together(codes, _codes(listings[column]))
        if self.narrowing.column_values is not None:
            codes = _together(codes, self.narrowing.column_values.of_rows)
        representative = np.arange(self.total)
        in_order = self.rows[np.argsort(index.tie_rank[self.rows])]
        _, first, inverse = np.unique(codes[in_order], return_index=True, return_inverse=True)
        representative[in_order] = in_order[first[inverse]]
        return representative


def blocks(rows: Rows, size: int) -> Iterator[Rows]:
    """Yields runs of `size` rows; the last one may be shorter."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _codes(column: pa.ChunkedArray) -> Rows:
    """(N,) a number for each different value; missing values share one."""
    codes: Rows = (
        pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
        .indices.to_numpy()
        .astype(np.int64)
    )
    return codes


def _together(codes: Rows, more: Rows) -> Rows:
    """(N,) a number for each different pair of numbers."""
    more = more - more.min(initial=0)
    together: Rows = np.unique(codes * (more.max(initial=0) + 1) + more, return_inverse=True)[1]
    return together
