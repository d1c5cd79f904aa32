"""The work of each stage at N listings, and its CPU seconds."""

from __future__ import annotations

from dataclasses import dataclass

from itemsearch.indexes.building.choose import CODEWORDS, choose_spec, memory_bytes
from itemsearch.indexes.building.train import POINTS_PER_CENTROID
from itemsearch.indexes.types import IndexSpec
from itemsearch.plan.rates import Rates

LIST_ROUNDS, CODE_ROUNDS = 10, 25
"""Rounds of k-means of FAISS, for the lists and for the codes."""


@dataclass(frozen=True, slots=True)
class IndexWork:
    """The operations of building an index of `rows` different vectors.

    train: of k-means. add: of assigning every vector to a list, and of encoding it.
    """

    spec: IndexSpec
    rows: int
    dim: int
    train: float
    add: float

    @classmethod
    def of(cls, rows: int, dim: int) -> IndexWork:
        """With the specification that `index build` chooses."""
        spec = choose_spec(rows, dim)
        if spec.kind == "exact":
            return cls(spec, rows, dim, 0.0, 0.0)
        sample = min(rows, POINTS_PER_CENTROID * max(spec.nlist, CODEWORDS))
        lists = 2.0 * LIST_ROUNDS * sample * spec.nlist * dim
        codes = 2.0 * CODE_ROUNDS * min(sample, POINTS_PER_CENTROID * CODEWORDS) * CODEWORDS * dim
        return cls(spec, rows, dim, lists + codes, 2.0 * rows * (spec.nlist + CODEWORDS) * dim)

    @property
    def memory(self) -> int:
        """Bytes that a search needs in memory."""
        return memory_bytes(self.spec, self.rows, self.rows, self.dim)

    def seconds(self, rates: Rates) -> float:
        """CPU seconds of building it."""
        return rates.copy * self.rows * self.dim + (self.train + self.add) / rates.flops


def near_seconds(work: IndexWork, rates: Rates) -> float:
    """CPU seconds of finding the neighbours of one listing: comparing it with the centroids of the lists, and
    with the codes of those that are visited. In an exact index, with every vector."""
    spec = work.spec
    if spec.kind == "exact":
        return 2.0 * work.rows * work.dim / rates.flops
    visited = spec.nprobe * work.rows / spec.nlist
    return 2.0 * spec.nlist * work.dim / rates.flops + visited * spec.m * rates.scan


def duplicates_seconds(work: IndexWork, rates: Rates, listings: float | None = None) -> float:
    """CPU seconds of `duplicates`, of all listings or of those that changed."""
    return (work.rows if listings is None else listings) * (rates.duplicates + near_seconds(work, rates))
