"""Which index: exact where rows are few, IVF-PQ with sizes that fit rows, dimension and GPU."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from indexes.errors import SpecError

PQ_BITS = 8
CODEWORDS = 2**PQ_BITS
TRAINING_POINTS = 39
"""Points a centroid below which FAISS's k-means warns (faiss/Clustering.h, min_points_per_centroid)."""

MIN_ROWS = TRAINING_POINTS * CODEWORDS
"""Rows that product quantisation needs for training; below, an exact index is as fast and never wrong."""

GPU_CODE_SIZES = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
"""The numbers of sub-quantisers that GpuIndexIVFPQ accepts (FAISS wiki, "Faiss on the GPU")."""

PIECE = 8
"""Numbers a sub-quantiser codes in one byte. FAISS has vector kernels for 4, 8 and 16; 4 takes twice the
bytes and time to hold the same neighbours among the candidates, which are ranked exactly anyhow."""

_SPEC = re.compile(r"IVF(\d+),PQ(\d+)(?:x(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """kind: "exact" or "ivfpq". nlist inverted lists, m sub-quantisers of `PQ_BITS` bits; 0 for exact."""

    kind: str
    nlist: int = 0
    m: int = 0

    @property
    def factory(self) -> str:
        """FAISS's name of it."""
        return "Flat" if self.kind == "exact" else f"IVF{self.nlist},PQ{self.m}"

    @property
    def nprobe(self) -> int:
        """Lists visited a query, about 3 sqrt(nlist): 68 of 512, 192 of 4,096. All 512 found .003 more of the
        true neighbours (26,000 title embeddings); what is lost is measured in `benchmarks`."""
        return min(self.nlist, round(3 * math.sqrt(self.nlist)))


def choose_spec(rows: int, dim: int) -> IndexSpec:
    """The index for so many different vectors of so many numbers.

    nlist is the power of two below 4 * sqrt(rows), as FAISS's guidelines advise, that can be trained. m is
    the least that leaves pieces of `PIECE` numbers or fewer, a 32nd of float32's bytes; where none divides
    the dimension so finely, the largest that divides it.
    """
    if rows < MIN_ROWS:
        return IndexSpec("exact")
    lists = min(4 * math.sqrt(rows), rows / TRAINING_POINTS)
    fitting = [m for m in GPU_CODE_SIZES if dim % m == 0]
    m = next((m for m in fitting if dim <= m * PIECE), fitting[-1])
    return IndexSpec("ivfpq", 2 ** int(math.log2(lists)), m)


def parse_spec(text: str, rows: int, dim: int) -> IndexSpec:
    """A specification by hand: "IVF4096,PQ48" or "Flat".

    Raises:
        SpecError: another form, sub-quantisers that do not divide the dimension or that a GPU refuses,
            too few rows to train on.
    """
    if text.strip().lower() == "flat":
        return IndexSpec("exact")
    found = _SPEC.fullmatch(text.replace(" ", ""))
    if found is None:
        raise SpecError(f'spec {text!r}: write "IVF4096,PQ48" or "Flat"')
    nlist, m, bits = int(found[1]), int(found[2]), int(found[3] or PQ_BITS)
    if bits != PQ_BITS:
        raise SpecError(f"spec {text!r}: {bits} bits a code; only {PQ_BITS} is supported, on a GPU too")
    if m not in GPU_CODE_SIZES or dim % m:
        fitting = [str(size) for size in GPU_CODE_SIZES if dim % size == 0]
        raise SpecError(
            f"spec {text!r}: PQ{m} does not fit {dim} dimensions; use one of {', '.join(fitting)}"
        )
    if not 1 <= nlist <= rows // TRAINING_POINTS:
        most = rows // TRAINING_POINTS
        raise SpecError(f"spec {text!r}: {rows:,} rows can train 1 to {most:,} lists, not {nlist:,}")
    if rows < MIN_ROWS:
        raise SpecError(
            f'spec {text!r}: PQ needs {MIN_ROWS:,} rows for training, there are {rows:,}; use "Flat"'
        )
    return IndexSpec("ivfpq", nlist, m)
