"""Rows of the very same vector, held as one.

A shop lists one article thousands of times. Were each such row an entry of the index, training would see
one point over and over, one inverted list would hold them all, and they would fill every query's candidates.
So the index holds each different vector once, and a search hands out its rows in order of tie rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from itemsearch.indexes.arrays import Hashes, Rows, Vectors

_COMPARE_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class DistinctVectors:
    """G different vectors of N rows: entry g is the vector of `rows[offsets[g] : offsets[g + 1]]`.

    rows (N,) int64, in order of tie rank within an entry; offsets (G + 1,) int64.
    """

    rows: Rows
    offsets: Rows

    @classmethod
    def from_heads(cls, heads: Rows, tie_rank: Rows) -> DistinctVectors:
        """From what `find_heads` returns; tie_rank (N,) orders the rows of an entry."""
        rows = np.lexsort((tie_rank, heads))
        starts = np.flatnonzero(np.diff(heads[rows], prepend=-1))
        return cls(rows, np.append(starts, len(rows)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def first_rows(self, entries: Rows) -> Rows:
        """The row of lowest tie rank of each entry; -1 for -1."""
        return np.where(entries >= 0, self.rows[self.offsets[np.maximum(entries, 0)]], -1)

    def rows_of(self, scores: Vectors, entries: Rows, most: int) -> tuple[Rows, Vectors, Rows]:
        """The rows of (Q, C) scored entries, best first, -1 for none: all that can be among the first `most`.

        Returns the query, the score and the row of each, three (R,) arrays.
        """
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
    """Finds the entry of the very same vector, which the candidates by code may lack.

    hashes (G,) uint64, sorted; entries (G,) int64, the entry of each.
    """

    hashes: Hashes
    entries: Rows

    @classmethod
    def from_hashes(cls, hashes: Hashes) -> HashedVectors:
        """From the hashes of entries 0 to G - 1, as `hash_rows` has them."""
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], order)

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, queries: Vectors, vectors: Vectors, distinct: DistinctVectors) -> Rows:
        """(Q,) the entry whose vector is byte by byte that of each query, -1 for none.

        Of entries whose hashes collide only the first is looked at; the others are found like any other.
        """
        hashes = hash_rows(queries)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        entries = np.where(self.hashes[places] == hashes, self.entries[places], -1)
        hits = np.flatnonzero(entries >= 0)
        held = vectors[distinct.first_rows(entries[hits])]
        different = (held.view(np.uint32) != queries[hits].view(np.uint32)).any(axis=1)
        entries[hits[different]] = -1
        return entries


@cache
def _multipliers(dim: int) -> Hashes:
    return np.random.default_rng(0).integers(2**64, size=dim, dtype=np.uint64) | np.uint64(1)


def hash_rows(vectors: Vectors) -> Hashes:
    """(N,) hashes of (N, D) vectors: a sum of their words with fixed odd multipliers, modulo 2^64
    (multilinear hashing, Lemire and Kaser 2014)."""
    words = np.ascontiguousarray(vectors).view(np.uint32).astype(np.uint64)
    hashes: Hashes = words @ _multipliers(vectors.shape[1])
    return hashes


def find_heads(hashes: Hashes, vectors: Vectors) -> Rows:
    """(N,) the lowest row with the same vector as each row.

    Equal hashes are only a hint: vectors are compared byte by byte, and a row whose hash collides with
    that of another vector is its own head, found like any other.
    """
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    heads: Rows = first[inverse].astype(np.int64)
    repeated = np.flatnonzero(heads != np.arange(len(heads)))
    for start in range(0, len(repeated), _COMPARE_ROWS):
        rows = repeated[start : start + _COMPARE_ROWS]
        different = (vectors[rows].view(np.uint32) != vectors[heads[rows]].view(np.uint32)).any(axis=1)
        heads[rows[different]] = rows[different]
    return heads
