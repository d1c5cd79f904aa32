"""Vector indexes that are compared: ours, families of FAISS, and usearch where it is installed.

A new index is a function that returns an `IndexMethod`, called by `build_indexes`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.methods.raw_faiss import build_factory, index_bytes, search_factory
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.building.choose import choose_spec, memory_bytes
from itemsearch.indexes.searching.params import SearchParams, default_params
from itemsearch.indexes.types import IndexSpec
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

LISTS = (1, 4, 16, 64)
EF_SEARCH = (16, 64, 256)
LINKS = 32


@dataclass(frozen=True, slots=True)
class IndexMethod:
    """A built index.

    Attributes:
        name: as it stands in the report.
        spec: its parameters, as FAISS writes them.
        seconds: of the build.
        bytes_per_vector: its size in memory.
        efforts: the efforts that are measured: nprobe of an IVF index, efSearch of HNSW; a single 0 where
            there is no such parameter.
        search: takes (Q, D) queries, k and an effort, and returns (Q, k) rows.
    """

    name: str
    spec: str
    seconds: float
    bytes_per_vector: float
    efforts: Sequence[int]
    search: Callable[[Floats, int, int], Rows]


def build_indexes(base: Floats, out: Path, seed: int) -> Iterator[IndexMethod]:
    """Builds one index after another, ours first, so that one at a time is in memory. base: (N, D)."""
    spec = choose_spec(*base.shape)
    yield _ours(base, out, seed)
    families = [("Flat", "Flat", (0,)), ("HNSW", f"HNSW{LINKS}", EF_SEARCH)]
    if spec.kind != "exact":
        families += [
            ("IVF-Flat", f"IVF{spec.nlist},Flat", LISTS),
            ("IVF-PQ, no re-ranking", spec.factory, LISTS),
        ]
    for name, factory, efforts in families:
        yield _faiss(base, name, factory, efforts)
    if find_spec("usearch"):
        yield _usearch(base)


def _ours(base: Floats, out: Path, seed: int) -> IndexMethod:
    source = out / "vectors.parquet"
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(base.ravel()), base.shape[1])
    pq.write_table(pa.table({"id": [f"{row:09d}" for row in range(len(base))], "embedding": vectors}), source)
    started = time.perf_counter()
    build_index_folder(source, out / "index", IndexConfig("cpu", seed=seed))
    seconds = time.perf_counter() - started
    index = Engine.open(out / "index").index

    def search(queries: Floats, k: int, effort: int) -> Rows:
        candidates = default_params(index.spec, k).candidates
        return index.search(queries, k, SearchParams(effort, candidates))[1]

    size = memory_bytes(index.spec, len(base), len(index.distinct), base.shape[1]) / len(base)
    efforts = (0,) if index.spec.kind == "exact" else sorted({*LISTS, index.spec.nprobe})
    return IndexMethod(OURS, _spec_name(index.spec), seconds, size, efforts, search)


def _spec_name(spec: IndexSpec) -> str:
    return "exact" if spec.kind == "exact" else spec.factory


def _faiss(base: Floats, name: str, factory: str, efforts: Sequence[int]) -> IndexMethod:
    started = time.perf_counter()
    index = build_factory(base, factory)
    seconds = time.perf_counter() - started

    def search(queries: Floats, k: int, effort: int) -> Rows:
        return search_factory(index, queries, k, effort)

    return IndexMethod(f"FAISS {name}", factory, seconds, index_bytes(index) / len(base), efforts, search)


def _usearch(base: Floats) -> IndexMethod:
    from usearch.index import Index, MetricKind

    index = Index(ndim=base.shape[1], metric=MetricKind.IP, dtype="f32", connectivity=LINKS)
    started = time.perf_counter()
    index.add(np.arange(len(base)), base)
    seconds = time.perf_counter() - started

    def search(queries: Floats, k: int, effort: int) -> Rows:
        index.expansion_search = effort
        keys: Rows = np.atleast_2d(index.search(queries, k).keys).astype(np.int64)
        return keys

    size = index.serialized_length / len(base)
    return IndexMethod("usearch HNSW", f"HNSW{LINKS}", seconds, size, EF_SEARCH, search)
