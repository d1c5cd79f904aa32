"""Indexes that are compared: ours, FAISS's own families, and usearch where it is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.methods.raw_faiss import build_factory, index_bytes, search_factory
from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.building.choose import IndexSpec, choose_spec, memory_bytes
from itemsearch.indexes.searching.params import SearchParams, default_params
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

OURS = "itemsearch"
LISTS = (1, 4, 16, 64)
BREADTHS = (16, 64, 256)
LINKS = 32


@dataclass(frozen=True, slots=True)
class Peer:
    """An index that was built. seconds: of the build. search: of (Q, D), k and an effort, (Q, k) rows.

    efforts: what is swept, lists visited or breadth of the search; one where there is nothing to choose.
    """

    name: str
    spec: str
    seconds: float
    bytes_per_vector: float
    efforts: Sequence[int]
    search: Callable[[Vectors, int, int], Rows]


def build_peers(base: Vectors, out: Path, seed: int) -> Iterator[Peer]:
    """One after another, so that only one is in memory; ours first."""
    spec = choose_spec(*base.shape)
    yield _ours(base, out, seed)
    families = [("Flat", "Flat", (0,)), ("HNSW", f"HNSW{LINKS}", BREADTHS)]
    if spec.kind != "exact":
        families += [
            ("IVF-Flat", f"IVF{spec.nlist},Flat", LISTS),
            ("IVF-PQ, no re-ranking", spec.factory, LISTS),
        ]
    for name, factory, efforts in families:
        yield _faiss(base, name, factory, efforts)
    if find_spec("usearch"):
        yield _usearch(base)


def _ours(base: Vectors, out: Path, seed: int) -> Peer:
    source = out / "vectors.parquet"
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(base.ravel()), base.shape[1])
    pq.write_table(pa.table({"id": [f"{row:09d}" for row in range(len(base))], "embedding": vectors}), source)
    started = time.perf_counter()
    build_index_folder(source, out / "index", IndexConfig("cpu", seed=seed))
    seconds = time.perf_counter() - started
    index = Engine.open(out / "index").ranker.index

    def search(queries: Vectors, k: int, effort: int) -> Rows:
        usual = default_params(index.spec, k)
        return index.search(queries, k, SearchParams(effort, usual.candidates))[1]

    size = memory_bytes(index.spec, len(base), len(index.distinct), base.shape[1]) / len(base)
    efforts = (0,) if index.spec.kind == "exact" else sorted({*LISTS, index.spec.nprobe})
    return Peer(OURS, _spec_name(index.spec), seconds, size, efforts, search)


def _spec_name(spec: IndexSpec) -> str:
    return "exact" if spec.kind == "exact" else spec.factory


def _faiss(base: Vectors, name: str, factory: str, efforts: Sequence[int]) -> Peer:
    started = time.perf_counter()
    index = build_factory(base, factory)
    seconds = time.perf_counter() - started

    def search(queries: Vectors, k: int, effort: int) -> Rows:
        return search_factory(index, queries, k, effort)

    return Peer(f"FAISS {name}", factory, seconds, index_bytes(index) / len(base), efforts, search)


def _usearch(base: Vectors) -> Peer:
    from usearch.index import Index, MetricKind

    index = Index(ndim=base.shape[1], metric=MetricKind.IP, dtype="f32", connectivity=LINKS)
    started = time.perf_counter()
    index.add(np.arange(len(base)), base)
    seconds = time.perf_counter() - started

    def search(queries: Vectors, k: int, effort: int) -> Rows:
        index.expansion_search = effort
        keys: Rows = np.atleast_2d(index.search(queries, k).keys).astype(np.int64)
        return keys

    size = index.serialized_length / len(base)
    return Peer("usearch HNSW", f"HNSW{LINKS}", seconds, size, BREADTHS, search)
