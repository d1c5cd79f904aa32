"""`itemsearch benchmark index`: recall, speed and memory of vector indexes, compared with exact search.

Each index is searched at several efforts, from fast to accurate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.vector_files import VectorSet, read_vector_set
from itemsearch.benchmarks.methods.other_indexes import IndexMethod, build_indexes
from itemsearch.benchmarks.metrics.bootstrap import resample_means
from itemsearch.benchmarks.metrics.ranked import TIE
from itemsearch.benchmarks.reports.index_report import IndexPoint, report
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles, Floats, Rows
from itemsearch.indexes.progress import Progress
from itemsearch.indexes.searching.inner_products import inner_products, one_thread

BLOCK = 256


@dataclass(frozen=True, slots=True)
class IndexBenchConfig:
    """vectors, queries, max_queries: as `vector_files.read_vector_set` takes them. k: results per query."""

    vectors: Path
    queries: Path | None = None
    max_queries: int = 1000
    k: int = 10
    seed: int = 0


def run(config: IndexBenchConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Builds, searches, and writes config.json, metrics.json, report.md, report.html and plots/.

    Returns:
        What metrics.json holds.

    Raises:
        StoreError: the vectors cannot be read.
        UsageError: there are fewer than k vectors.
    """
    vectors = read_vector_set(config.vectors, config.queries, config.max_queries, config.seed)
    if len(vectors.base) < config.k:
        raise UsageError(f"{config.vectors}: {len(vectors.base)} vectors, fewer than k, {config.k}")
    out.mkdir(parents=True, exist_ok=True)
    progress("searching exactly")
    truth = nearest_scores(vectors, config.k)
    points = []
    for index in build_indexes(vectors.base, out, config.seed):
        progress(f"{index.name}: built in {index.seconds:.1f} s")
        points += [measure(index, effort, vectors, truth, config) for effort in index.efforts]
    rows, dim = vectors.base.shape
    summary = (
        f"{rows:,} vectors of {dim} numbers, {len(vectors.queries):,} queries that are not among them, "
        f"{config.k} results each, by cosine."
    )
    described = describe_run("index", config, None, summary)
    write_description(out, described)
    return report(out, described, points)


def nearest_scores(vectors: VectorSet, k: int) -> Floats:
    """(Q, k) exact scores of the nearest vectors, best first."""
    best = []
    for start in range(0, len(vectors.queries), BLOCK):
        scores = vectors.queries[start : start + BLOCK] @ vectors.base.T
        best.append(-np.sort(-np.partition(scores, -k, axis=1)[:, -k:], axis=1))
    return np.concatenate(best)


def recalls(found: Rows, truth: Floats, vectors: VectorSet) -> tuple[Doubles, Doubles]:
    """(Q,) k-recall@k and (Q,) 1-recall@k of found rows, judged by their exact scores.

    Args:
        found: (Q, k) rows, -1 for none; a repeated row counts once.
        truth: (Q, k) as from `nearest_scores`.

    Four rows found for one query, [7, 7, -1, 3], count as rows 3 and 7 alone: of the four nearest scores at
    most two are reached, and k-recall@k is at most 2/4.
    """
    ordered = np.sort(found, axis=1)
    repeated = np.zeros(found.shape, bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    scores = inner_products(vectors.queries, vectors.base, np.maximum(ordered, 0))
    scores[repeated | (ordered < 0)] = -np.inf
    right = (scores >= truth[:, -1:] - TIE).sum(axis=1) / truth.shape[1]
    return right, (scores >= truth[:, :1] - TIE).any(axis=1).astype(float)


def measure(
    index: IndexMethod, effort: int, vectors: VectorSet, truth: Floats, config: IndexBenchConfig
) -> IndexPoint:
    """Recall and speed of an index at one effort; the first queries are searched once before, to warm up."""
    index.search(vectors.queries[:BLOCK], config.k, effort)
    started = time.perf_counter()
    found = index.search(vectors.queries, config.k, effort)
    queries_per_second = len(vectors.queries) / (time.perf_counter() - started)
    milliseconds = np.array(list(_single_query_seconds(index, effort, vectors.queries, config.k))) * 1e3
    k_recall, first_recall = recalls(found, truth, vectors)
    values = {"k": k_recall, "1": first_recall}
    resampled = resample_means(values, np.arange(len(k_recall)), config.seed)
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99)).tolist()
    return IndexPoint(
        name=index.name,
        spec=index.spec,
        effort=effort,
        k_recall=resampled["k"].interval,
        first_recall=resampled["1"].interval,
        queries_per_second=queries_per_second,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        bytes_per_vector=index.bytes_per_vector,
        build_seconds=index.seconds,
    )


def _single_query_seconds(index: IndexMethod, effort: int, queries: Floats, k: int) -> Iterator[float]:
    """The seconds of each query, searched alone in one thread."""
    with one_thread():
        for query in range(len(queries)):
            started = time.perf_counter()
            index.search(queries[query : query + 1], k, effort)
            yield time.perf_counter() - started
