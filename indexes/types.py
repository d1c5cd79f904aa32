"""The frozen dataclasses that travel between the folders of indexes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itemsearch.indexes.arrays import Hashes, Rows
from itemsearch.indexes.storage.vectors import AnyVectors


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """The specification of an index.

    kind: "exact" or "ivfpq". nlist: inverted lists, m: sub-quantisers of `PQ_BITS` bits; 0 for exact.
    """

    kind: str
    nlist: int = 0
    m: int = 0

    @property
    def factory(self) -> str:
        """The name that `faiss.index_factory` takes."""
        return "Flat" if self.kind == "exact" else f"IVF{self.nlist},PQ{self.m}"

    @property
    def nprobe(self) -> int:
        """The default number of lists visited for a query, about 3 sqrt(nlist): 68 of 512, 192 of 4,096. All
        512 found .003 more of the true neighbours (26,000 title embeddings)."""
        return min(self.nlist, round(3 * math.sqrt(self.nlist)))


@dataclass(frozen=True, slots=True)
class Target:
    """The recall that an index has to reach, and its budget.

    recall: k-recall@k at k = `at`. max_bytes: memory of the index and its tables of rows, in bytes. max_ms:
    the 99th percentile of the time of a query alone in one thread, in milliseconds. None: no limit.
    """

    recall: float
    at: int = 10
    max_bytes: int | None = None
    max_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CheckedVectors:
    """N vectors that can be indexed, and which of them are identical.

    vectors: (N, D). representative_of: (N,) int64, the lowest row with the same vector as each row.
    representatives: (G,) int64, the rows that represent themselves, ascending. hashes: (N,) uint64. seconds:
    the time that checking took.
    """

    vectors: AnyVectors
    representative_of: Rows
    representatives: Rows
    hashes: Hashes
    seconds: float


@dataclass(frozen=True, slots=True)
class IndexTraining:
    """The training of the centroids and codebooks of an index.

    vectors: the number of distinct vectors at the time. held_out_below: vectors of a lower hash were held out
    of the training sample. version: the number of the version that was trained; 0 for the version itself.
    """

    vectors: int
    held_out_below: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index in memory, ready to be saved.

    index: of FAISS, on the CPU; its ids number the representatives of `checked`. index and training are None
    for an exact index. seconds: by stage.
    """

    spec: IndexSpec
    index: Any | None
    training: IndexTraining | None
    checked: CheckedVectors
    device: str
    seconds: Mapping[str, float]
