"""How true an index is to exact search, and what that costs, beside other kinds of index.

`itemsearch benchmark index` sweeps each from quick to thorough and draws what none of the others beats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.vector_files import VectorSet, read_vector_set
from itemsearch.benchmarks.methods.other_indexes import Peer, build_peers
from itemsearch.benchmarks.metrics.bootstrap import Interval, resample_means
from itemsearch.benchmarks.metrics.ranked import TIE
from itemsearch.benchmarks.reports.page import (
    Report,
    Section,
    Table,
    describe_run,
    write_description,
    write_report,
)
from itemsearch.benchmarks.reports.plots import save_curves
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles, Rows, Vectors
from itemsearch.indexes.searching.inner_products import inner_products, one_thread

BLOCK = 256
TERMS = {
    "k-recall@k": "of the k nearest by exact search, the share that is among the k found; what scores as "
    "well as the k-th nearest is right.",
    "1-recall@k": "how often the nearest is among the k found.",
    "effort": "lists visited by an IVF index, breadth of the search of HNSW.",
    "queries/s": "of all queries at once, in all threads.",
    "p50, p95, p99": "milliseconds of a query alone, in one thread.",
    "bytes": "of the index for each vector. Ours keeps the exact vectors in a mapped file, to rank by; "
    "they are not counted. Flat and HNSW hold them in memory.",
}
PLOTS = {
    "recall-speed": ("queries per second, all threads", "queries_per_second"),
    "recall-latency": ("p99 of a query alone, milliseconds", "p99_ms"),
    "recall-memory": ("bytes per vector", "bytes_per_vector"),
}
"""Name to the label of the y axis and the field of `Measured`."""
HEAD = (
    "index",
    "spec",
    "effort",
    "k-recall@k",
    "1-recall@k",
    "queries/s",
    "p50",
    "p95",
    "p99",
    "bytes",
    "build s",
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class IndexBenchConfig:
    """vectors, queries: as `vector_files.read_vector_set`. asked: queries at most. k: results each."""

    vectors: Path
    queries: Path | None = None
    asked: int = 1000
    k: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One index at one effort."""

    name: str
    spec: str
    effort: int
    k_recall: Interval
    first_recall: Interval
    queries_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    bytes_per_vector: float
    build_seconds: float


def run(config: IndexBenchConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Builds, searches, and writes config.json, metrics.json, report.md, report.html and plots/.

    Returns:
        What metrics.json holds.

    Raises:
        StoreError: vectors cannot be read.
        UsageError: there are fewer than k.
    """
    held = read_vector_set(config.vectors, config.queries, config.asked, config.seed)
    if len(held.base) < config.k:
        raise UsageError(f"{config.vectors}: {len(held.base)} vectors, fewer than k, {config.k}")
    out.mkdir(parents=True, exist_ok=True)
    progress("searching exactly")
    truth = nearest_scores(held, config.k)
    measured = []
    for peer in build_peers(held.base, out, config.seed):
        progress(f"{peer.name}: built in {peer.seconds:.1f} s")
        measured += [measure(peer, effort, held, truth, config) for effort in peer.efforts]
    summary = (
        f"{len(held.base):,} vectors of {held.base.shape[1]} numbers, {len(held.queries):,} queries that are "
        f"none of them, {config.k} results each, by cosine."
    )
    described = describe_run("index", config, None, summary)
    write_description(out, described)
    return _report(out, described, measured)


def nearest_scores(held: VectorSet, k: int) -> Vectors:
    """(Q, k) exact scores of the nearest, best first."""
    best = []
    for start in range(0, len(held.queries), BLOCK):
        scores = held.queries[start : start + BLOCK] @ held.base.T
        best.append(-np.sort(-np.partition(scores, -k, axis=1)[:, -k:], axis=1))
    return np.concatenate(best)


def recalls(found: Rows, truth: Vectors, held: VectorSet) -> tuple[Doubles, Doubles]:
    """(Q,) k-recall@k and 1-recall@k of (Q, k) rows by their exact scores; -1 for none, repeats once."""
    ordered = np.sort(found, axis=1)
    repeated = np.zeros(found.shape, bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    scores = inner_products(held.queries, held.base, np.maximum(ordered, 0))
    scores[repeated | (ordered < 0)] = -np.inf
    right = (scores >= truth[:, -1:] - TIE).sum(axis=1) / truth.shape[1]
    return right, (scores >= truth[:, :1] - TIE).any(axis=1).astype(float)


def measure(peer: Peer, effort: int, held: VectorSet, truth: Vectors, config: IndexBenchConfig) -> Measured:
    peer.search(held.queries[:BLOCK], config.k, effort)
    started = time.perf_counter()
    found = peer.search(held.queries, config.k, effort)
    together = len(held.queries) / (time.perf_counter() - started)
    milliseconds = np.array(list(_alone(peer, effort, held.queries, config.k))) * 1e3
    every, first = recalls(found, truth, held)
    drawn = resample_means({"k": every, "1": first}, np.arange(len(every)), config.seed)
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99)).tolist()
    return Measured(
        peer.name, peer.spec, effort, drawn["k"].interval, drawn["1"].interval, together, p50, p95, p99,
        peer.bytes_per_vector, peer.seconds,
    )  # fmt: skip


def _alone(peer: Peer, effort: int, queries: Vectors, k: int) -> Iterator[float]:
    with one_thread():
        for place in range(len(queries)):
            started = time.perf_counter()
            peer.search(queries[place : place + 1], k, effort)
            yield time.perf_counter() - started


def _report(out: Path, described: Mapping[str, Any], measured: list[Measured]) -> Mapping[str, Any]:
    curves = {name: [point for point in measured if point.name == name] for name in _names(measured)}
    for plot, (label, field) in PLOTS.items():
        lines = {
            name: (
                np.array([p.k_recall.value for p in points]),
                np.array([getattr(p, field) for p in points]),
            )
            for name, points in curves.items()
        }
        save_curves(out / "plots" / plot, lines, ("k-recall@k", label), marker="o", log=True)
    best = pareto(measured)
    rows = [[*_row(point), "best" if point in best else ""] for point in measured]
    text = "“best” marks those that no other beats in k-recall@k and in queries per second at once."
    sections = [
        Section("Recall and its price", text, TERMS, [Table([*HEAD, "best"], rows)]),
        Section("Curves", "", plots=tuple(PLOTS)),
    ]
    metrics = {"points": [asdict(point) for point in measured]}
    page = Report("Fidelity of the index", described["summary"], sections)
    write_report(out, described, metrics, page)
    return metrics


def pareto(measured: list[Measured]) -> list[Measured]:
    """Those that no other beats in recall and in speed at once."""
    return [
        point
        for point in measured
        if not any(
            other.k_recall.value >= point.k_recall.value
            and other.queries_per_second > point.queries_per_second
            for other in measured
        )
    ]


def best_section(metrics: Mapping[str, Any]) -> Section:
    """The best points of a run, from what its metrics.json holds."""
    points = []
    for held in metrics["points"]:
        recalled = {name: Interval(**held[name]) for name in ("k_recall", "first_recall")}
        points.append(Measured(**{**held, **recalled}))
    text = "Those that no other beats in k-recall@k and in queries per second at once."
    return Section("Fidelity of the index", text, TERMS, [Table(HEAD, [_row(p) for p in pareto(points)])])


def _row(point: Measured) -> list[str]:
    return [
        point.name,
        point.spec,
        str(point.effort or ""),
        str(point.k_recall),
        f"{point.first_recall.value:.3f}",
        f"{point.queries_per_second:,.0f}",
        f"{point.p50_ms:.2f}",
        f"{point.p95_ms:.2f}",
        f"{point.p99_ms:.2f}",
        f"{point.bytes_per_vector:,.0f}",
        f"{point.build_seconds:.1f}",
    ]


def _names(measured: list[Measured]) -> list[str]:
    return list(dict.fromkeys(point.name for point in measured))
