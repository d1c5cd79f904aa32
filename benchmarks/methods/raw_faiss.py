"""Indexes built with FAISS directly, to compare with ours; no other file outside `indexes/` imports FAISS.

`build_raw` builds the same index as ours. Like ours it uses a low threshold for matrix products, no
polysemous training and the same number of training vectors, so that FAISS is as fast as it can be.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
import pyarrow.parquet as pq

from itemsearch.indexes.arrays import Floats, Rows

POINTS_PER_CENTROID = 64
ADD_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class RawIndex:
    """index: IVF-PQ. refined: the same index with exact re-ranking. seconds: of the build, by stage."""

    index: Any
    refined: Any
    seconds: Mapping[str, float]


def build_raw(source: Path, nlist: int, m: int, out: Path, seed: int = 0) -> RawIndex:
    """Reads `embedding` of every Parquet file of `source`, trains, adds, and writes the index to `out`."""
    marks = [time.perf_counter()]
    tables = [pq.read_table(path, columns=["embedding"]) for path in sorted(source.glob("*.parquet"))]
    vectors = np.concatenate(
        [
            column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
            for column in (table["embedding"] for table in tables)
        ]
    ).reshape(sum(table.num_rows for table in tables), -1)
    marks.append(time.perf_counter())
    dim = vectors.shape[1]
    faiss.cvar.distance_compute_blas_threshold = 4 * dim
    index: Any = faiss.index_factory(dim, f"IVF{nlist},PQ{m}", faiss.METRIC_INNER_PRODUCT)
    index.do_polysemous_training = False
    for training in (index.cp, index.pq.cp):
        training.max_points_per_centroid = POINTS_PER_CENTROID
        training.min_points_per_centroid = 1
    size = min(len(vectors), POINTS_PER_CENTROID * max(nlist, 256))
    index.train(vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), size, replace=False))])
    marks.append(time.perf_counter())
    for start in range(0, len(vectors), ADD_ROWS):
        index.add(vectors[start : start + ADD_ROWS])
    marks.append(time.perf_counter())
    faiss.write_index(index, str(out))
    marks.append(time.perf_counter())
    refined = faiss.IndexRefineFlat(index, faiss.swig_ptr(vectors))
    return RawIndex(
        index, refined, dict(zip(("read", "train", "add", "write"), np.diff(marks).tolist(), strict=True))
    )


def search_raw(raw: RawIndex, queries: Floats, k: int, nprobe: int, candidates: int) -> Rows:
    """(Q, k) rows: the best `candidates` by the codes of `nprobe` lists, re-ranked exactly."""
    lists, chosen = faiss.SearchParametersIVF(), faiss.IndexRefineSearchParameters()
    lists.nprobe = nprobe
    chosen.k_factor, chosen.base_index_params = candidates / k, lists
    rows: Rows = raw.refined.search(queries, k, params=chosen)[1]
    return rows


def build_factory(vectors: Floats, factory: str) -> Any:
    """A FAISS index by its factory string, such as "IVF512,PQ48" or "HNSW32", trained like `build_raw`."""
    dim = vectors.shape[1]
    faiss.cvar.distance_compute_blas_threshold = 4 * dim
    index: Any = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if hasattr(index, "cp"):
        index.cp.max_points_per_centroid = POINTS_PER_CENTROID
    if hasattr(index, "pq"):
        index.do_polysemous_training = False
    index.train(vectors)
    index.add(vectors)
    return index


def search_factory(index: Any, queries: Floats, k: int, effort: int) -> Rows:
    """(Q, k) rows. effort: nprobe of an IVF index, efSearch of HNSW; a flat index ignores it."""
    params: Any = None
    if isinstance(index, faiss.IndexIVF):
        params = faiss.SearchParametersIVF()
        params.nprobe = effort
    elif isinstance(index, faiss.IndexHNSW):
        params = cast(Any, faiss).SearchParametersHNSW()  # its stubs lack it
        params.efSearch = effort
    rows: Rows = index.search(queries, k, params=params)[1]
    return rows


def index_bytes(index: Any) -> int:
    """The size of the serialised index."""
    return int(faiss.serialize_index(index).nbytes)
