"""The report of `itemsearch benchmark index`: recall, speed and memory of each index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.reports.page import Report, ReportTable, Section, write_report
from itemsearch.benchmarks.reports.plots import save_curves

TERMS = {
    "k-recall@k": "of the k nearest by exact search, the share that is among the k found; a row that scores "
    "as well as the k-th nearest is right.",
    "1-recall@k": "how often the nearest is among the k found.",
    "effort": "the lists that an IVF index visits (nprobe), efSearch of HNSW.",
    "queries/s": "all queries in one batch, in all threads.",
    "p50, p95, p99": "milliseconds of a single query, in one thread.",
    "bytes": "of the index per vector. Ours keeps the exact vectors for re-ranking in a memory-mapped file, "
    "which is not counted. Flat and HNSW hold them in memory.",
}
PLOTS = {
    "recall-speed": ("queries per second, all threads", "queries_per_second"),
    "recall-latency": ("p99 of a single query, milliseconds", "p99_ms"),
    "recall-memory": ("bytes per vector", "bytes_per_vector"),
}
"""Plot to the label of its y axis and the field of `IndexPoint`."""
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


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The measures of one index at one effort; fields are those of metrics.json."""

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


def report(out: Path, described: Mapping[str, Any], points: list[IndexPoint]) -> Mapping[str, Any]:
    """Writes metrics.json, report.md, report.html and plots/; returns the metrics."""
    for plot, (label, field) in PLOTS.items():
        curves = {}
        for name in dict.fromkeys(point.name for point in points):
            of_index = [point for point in points if point.name == name]
            recall = np.array([point.k_recall.value for point in of_index])
            curves[name] = (recall, np.array([getattr(point, field) for point in of_index]))
        save_curves(out / "plots" / plot, curves, ("k-recall@k", label), marker="o", log=True)
    best = pareto(points)
    rows = [[*_row(point), "best" if point in best else ""] for point in points]
    text = "“best” marks points that no other beats in both k-recall@k and queries per second."
    sections = [
        Section("Recall, speed and memory", text, TERMS, [ReportTable([*HEAD, "best"], rows)]),
        Section("Curves", "", plots=tuple(PLOTS)),
    ]
    metrics = {"points": [asdict(point) for point in points]}
    page = Report("Recall and speed of the index", described["summary"], sections)
    write_report(out, described, metrics, page)
    return metrics


def pareto(points: list[IndexPoint]) -> list[IndexPoint]:
    """The points that no other beats in both recall and speed."""
    return [
        point
        for point in points
        if not any(
            other.k_recall.value >= point.k_recall.value
            and other.queries_per_second > point.queries_per_second
            for other in points
        )
    ]


def best_section(metrics: Mapping[str, Any]) -> Section:
    """The best points of a run. metrics: the content of its metrics.json."""
    points = []
    for plain in metrics["points"]:
        intervals = {name: Interval(**plain[name]) for name in ("k_recall", "first_recall")}
        points.append(IndexPoint(**{**plain, **intervals}))
    text = "Points that no other beats in both k-recall@k and queries per second."
    return Section(
        "Recall and speed of the index", text, TERMS, [ReportTable(HEAD, [_row(p) for p in pareto(points)])]
    )


def _row(point: IndexPoint) -> list[str]:
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
