"""Chooses the specification of an index: exact for few rows, IVF-PQ of fitting sizes for more."""

from __future__ import annotations

import math
import re

from itemsearch.indexes.errors import SpecError, TargetError
from itemsearch.indexes.types import IndexSpec, Target

PQ_BITS = 8
CODEWORDS: int = 2**PQ_BITS
TRAINING_POINTS = 39
"""Training points for each centroid below which FAISS's k-means warns (faiss/Clustering.h,
min_points_per_centroid)."""

MIN_ROWS = TRAINING_POINTS * CODEWORDS
"""Rows that product quantisation needs for training; with fewer, an exact index is as fast."""

GPU_CODE_SIZES = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
"""The numbers of sub-quantisers that GpuIndexIVFPQ accepts (FAISS wiki, "Faiss on the GPU")."""

PIECE = 8
"""Numbers that a sub-quantiser encodes in one byte. FAISS has vector kernels for 4, 8 and 16. 4 takes twice
the bytes and time for the same recall of the candidates, which are then ranked exactly."""

CODES_TRIED = 3
"""How many code lengths are tried, from that of `choose_spec` on: 48, 64 and 96 bytes for 384 numbers."""

_SPEC = re.compile(r"IVF(\d+),PQ(\d+)(?:x(\d+))?", re.IGNORECASE)


def choose_spec(rows: int, dim: int) -> IndexSpec:
    """The specification for an index of `rows` distinct vectors in `dim` dimensions.

    nlist is the largest power of two up to 4 * sqrt(rows) that can be trained (FAISS wiki, "Guidelines to
    choose an index"). m is the least that leaves pieces of `PIECE` numbers or fewer, a 32nd of float32's
    bytes; if none divides the dimension so finely, the largest that divides it.
    """
    if rows < MIN_ROWS:
        return IndexSpec("exact")
    lists = min(4 * math.sqrt(rows), rows / TRAINING_POINTS)
    fitting = [m for m in GPU_CODE_SIZES if dim % m == 0]
    m = next((m for m in fitting if dim <= m * PIECE), fitting[-1])
    return IndexSpec("ivfpq", 2 ** int(math.log2(lists)), m)


def candidate_specs(
    rows: int, entries: int, dim: int, target: Target, given: IndexSpec | None = None
) -> list[IndexSpec]:
    """The specifications that may reach a target, those of fewest bytes for each vector first.

    The codes are as long as those of `choose_spec`, then longer. Twice the lists improve time, not recall,
    and are tried only for a limit of time. Shorter codes are tried only for a limit of memory that those of
    `choose_spec` exceed: then the longest that fit.

    Args:
        rows: all rows. entries: distinct vectors.
        given: the only specification to try; None to choose.

    Raises:
        TargetError: no specification fits in the memory.
    """
    first = choose_spec(entries, dim)
    if given or first.kind == "exact":
        specs = [given or first]
    else:
        lists = [first.nlist]
        if target.max_ms is not None and 2 * first.nlist <= entries // TRAINING_POINTS:
            lists.append(2 * first.nlist)
        sizes = [m for m in GPU_CODE_SIZES if dim % m == 0]
        specs = [IndexSpec("ivfpq", nlist, m) for m in sizes for nlist in lists]
    memory = {spec: memory_bytes(spec, rows, entries, dim) for spec in specs}
    fitting = [spec for spec in specs if target.max_bytes is None or memory[spec] <= target.max_bytes]
    if not fitting:
        raise TargetError(
            f"no index of {rows:,} rows fits in {target.max_bytes:,} bytes; the smallest takes "
            f"{min(memory.values()):,}; nothing was published"
        )
    longest = max(spec.m for spec in fitting)
    wanted = sorted({spec.m for spec in fitting if spec.m >= min(first.m, longest)})[:CODES_TRIED]
    return [spec for spec in fitting if spec.m in wanted]


def memory_bytes(spec: IndexSpec, rows: int, entries: int, dim: int) -> int:
    """The bytes of memory that a search needs for `rows` rows of `entries` distinct vectors.

    For IVF-PQ these are codes, ids, centroids and hashes, for both kinds the tables of rows. The vectors that
    IVF-PQ ranks exactly do not count: they are mapped, and the system drops their pages when it needs the
    room.
    """
    tables = 16 * rows + 8 * entries
    if spec.kind == "exact":
        return tables + 4 * dim * rows
    return tables + (spec.m + 8 + 16) * entries + 4 * dim * (spec.nlist + CODEWORDS)


def parse_spec(text: str, rows: int, dim: int) -> IndexSpec:
    """Parses a specification such as "IVF4096,PQ48" or "Flat".

    Raises:
        SpecError: the text has another form, the sub-quantisers do not divide the dimension or do not fit a
            GPU, or there are too few rows to train on.
    """
    if text.strip().lower() == "flat":
        return IndexSpec("exact")
    match = _SPEC.fullmatch(text.replace(" ", ""))
    if match is None:
        raise SpecError(f'spec {text!r}: write "IVF4096,PQ48" or "Flat"')
    nlist, m, bits = int(match[1]), int(match[2]), int(match[3] or PQ_BITS)
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
