"""Groups rows of identical vectors into one entry of the index, and finds an entry by its exact vector.

A shop lists one product thousands of times. If each such row were an entry of the index, the training sample
would repeat one point, one inverted list would contain them all, and they would fill every query's
candidates. The index therefore has one entry for each distinct vector, and a search returns the rows of an
entry in order of tie rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from itemsearch.indexes.arrays import Floats, Hashes, Rows, Vectors
from itemsearch.indexes.storage.vectors import AnyVectors

_COMPARE_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class DistinctVectors:
    """The G distinct vectors of N rows: entry g is the vector of `rows[offsets[g] : offsets[g + 1]]`.

    rows: (N,) int64, in order of tie rank within an entry. offsets: (G + 1,) int64.
    """

    rows: Rows
    offsets: Rows

    @classmethod
    def from_representatives(cls, representative_of: Rows, tie_rank: Rows) -> DistinctVectors:
        """Groups (N,) rows by their representative; entries are in order of representatives.

        Args:
            representative_of: (N,) int64, as `find_representatives` returns it.
            tie_rank: (N,) int64, orders the rows of an entry.
        """
        # Four rows: rows 0 and 2 have one vector, rows 1 and 3 another.
        #   representative_of [0 1 0 1]    tie_rank [3 0 2 1]
        #   rows              [2 0 1 3]    sorted by representative, then by tie rank
        #   of sorted rows    [0 0 1 1]    a new entry starts where the value changes
        #   starts            [0 2]        offsets [0 2 4]
        rows = np.lexsort((tie_rank, representative_of))
        starts = np.flatnonzero(np.diff(representative_of[rows], prepend=-1))
        return cls(rows, np.append(starts, len(rows)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def first_rows(self, entries: Rows) -> Rows:
        """The row of lowest tie rank of each entry, in the shape of `entries`; -1 for -1."""
        rows = self.rows.take(self.offsets.take(entries, mode="clip"))
        if entries.size and entries.min() < 0:
            rows[entries < 0] = -1
        return rows

    def have_one_row(self, entries: Rows) -> bool:
        """Whether each of these entries has one row; -1 has none."""
        if len(self) == len(self.rows):
            return True
        starts = self.offsets.take(entries, mode="clip")
        return bool((self.offsets.take(entries + 1) - starts)[entries >= 0].max(initial=0) <= 1)

    def rows_of(self, scores: Floats, entries: Rows, most: int) -> tuple[Rows, Floats, Rows]:
        """Expands scored entries to all rows that can be among the first `most` of their query.

        Args:
            scores: (Q, C) float32, best first.
            entries: (Q, C) int64; -1 for none.

        Returns:
            (R,) query, (R,) score and (R,) row of each result. Rows of equal score are all included at the
            end, so that the caller can break ties.
        """
        # One query, most = 2, offsets [0 1 2 4 7], four candidates:
        #   entries  [ 0  2  1  3]
        #   scores   [.9 .8 .8 .1]
        #   starts   [ 0  2  1  4]
        #   sizes    [ 1  2  1  2]    rows of each entry, at most 2
        #   cumsum   [ 1  3  4  6]    2 rows are reached at the second candidate, whose score is .8
        #   sizes    [ 1  2  1  0]    a candidate of a lower score is dropped, one that ties is not
        #   places   [ 0  2 3  1]     positions in `rows`: each start, counted up by its size
        starts = self.offsets[entries]
        sizes = np.minimum(self.offsets[entries + 1] - starts, most)
        sizes[entries < 0] = 0
        enough = np.cumsum(sizes, axis=1) >= most
        enough[:, -1] = True
        last = np.take_along_axis(scores, enough.argmax(axis=1)[:, None], axis=1)
        sizes[scores < last] = 0
        each = sizes.ravel()
        places = np.arange(each.sum()) + np.repeat(starts.ravel() - np.cumsum(each) + each, each)
        queries = np.repeat(np.arange(len(entries)), sizes.sum(axis=1))
        return queries, np.repeat(scores.ravel(), each), self.rows[places]


@dataclass(frozen=True, slots=True)
class HashedVectors:
    """Finds the entry of an identical vector, which the candidates by code may lack.

    hashes: (G,) uint64, sorted. entries: (G,) int64, the entry of each hash.
    """

    hashes: Hashes
    entries: Rows

    @classmethod
    def from_hashes(cls, hashes: Hashes) -> HashedVectors:
        """Sorts the (G,) hashes of entries 0 to G - 1, as `hash_rows` returns them."""
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], order)

    def __len__(self) -> int:
        return len(self.entries)

    def candidates(self, queries: Vectors) -> Rows:
        """(Q,) int64, the first entry whose vector has the hash of each query's; -1 for none."""
        hashes = hash_rows(queries)
        places = self.hashes.searchsorted(hashes)
        entries = self.entries.take(places, mode="clip")
        entries[self.hashes.take(places, mode="clip") != hashes] = -1
        return entries

    def find(self, queries: Vectors, vectors: AnyVectors, distinct: DistinctVectors) -> Rows:
        """(Q,) int64, the entry whose vector equals each of (Q, D) queries byte by byte; -1 for none.

        Args:
            queries: rounded as the vectors are.

        Of entries whose hashes collide only the first is compared; the candidates by code may have the
        others.
        """
        entries = self.candidates(queries)
        matches = np.flatnonzero(entries >= 0)
        stored = vectors[distinct.first_rows(entries[matches])]
        different = (stored.view(np.uint32) != queries[matches].view(np.uint32)).any(axis=1)
        entries[matches[different]] = -1
        return entries


@cache
def _multipliers(dim: int) -> Hashes:
    return np.random.default_rng(0).integers(2**64, size=dim, dtype=np.uint64) | np.uint64(1)


def hash_rows(vectors: Vectors) -> Hashes:
    """(N,) uint64 hashes of (N, D) float32 vectors: the sum of their 32-bit words, each multiplied by a fixed
    odd number, modulo 2^64 (multilinear hashing, Lemire and Kaser 2014)."""
    words = np.ascontiguousarray(vectors).view(np.uint32).astype(np.uint64)
    hashes: Hashes = words @ _multipliers(vectors.shape[1])
    return hashes


def find_representatives(hashes: Hashes, vectors: AnyVectors) -> Rows:
    """(N,) int64, the lowest row that has the same vector as each row of (N, D) vectors.

    Vectors of equal hash are compared byte by byte. A row whose hash collides with that of another vector is
    its own representative, and its copies are entries of their own.
    """
    # Four rows of vectors a, b, a, c, where the hashes of a and c collide:
    #   hashes             [7 9 7 7]
    #   first, inverse     [0 1], [0 1 0 0]    the lowest row of each hash, and the hash of each row
    #   representatives    [0 1 0 0]
    #   repeated           [2 3]               rows that are not the lowest of their hash
    #   different          [no yes]            row 3 has vector c, not a
    #   representatives    [0 1 0 3]
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    representatives: Rows = first[inverse].astype(np.int64)
    repeated = np.flatnonzero(representatives != np.arange(len(representatives)))
    for start in range(0, len(repeated), _COMPARE_ROWS):
        rows = repeated[start : start + _COMPARE_ROWS]
        lowest = representatives[rows]
        different = (vectors[rows].view(np.uint32) != vectors[lowest].view(np.uint32)).any(axis=1)
        representatives[rows[different]] = rows[different]
    return representatives
