"""The report of `itemsearch benchmark embed`: speed by stage, the limit of the machine, and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.reports.page import Report, ReportTable, Section, write_report

REST, MODEL, TOGETHER = "all but the model", "the bare model", "itemsearch embed"
EAGER = "the bare model, torch in float32"
TERMS = {
    REST: "the command with a model that computes nothing: rows are read, images decoded and resized, titles "
    "cut to word pieces, thumbnails and embeddings written.",
    MODEL: "prepared batches, as many at once as there are threads.",
    TOGETHER: "the command as a user runs it, which does both at once.",
    EAGER: "the same weights on prepared tensors, one operation after another: the usual way to run a model.",
}
LIMIT_TEXT = (
    "A model consists mostly of matrix products and convolutions. Their operations are counted, and compared "
    "with the fastest product of two large matrices on the device in the same number format."
)
MEMORY_TEXT = "A process that embeds and does nothing else; read every hundredth of a second."


def report(out: Path, described: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Writes metrics.json, report.md and report.html."""
    sections = [
        speed_section(metrics),
        Section("Limit of the machine", LIMIT_TEXT, tables=[_limit_table(metrics)]),
        Section("Memory", MEMORY_TEXT, tables=[_memory_table(metrics["memory"])]),
    ]
    write_report(out, described, metrics, Report("Speed of embedding", described["summary"], sections))


def speed_section(metrics: Mapping[str, Any]) -> Section:
    """Listings per second by stage. metrics: the content of metrics.json."""
    speeds = metrics["listings per second"]
    bare = speeds[MODEL]["median"]
    rows = [
        [stage, _spread_text(speed), f"{speed['median'] / bare:.2f}", f"{1e3 / speed['median']:.2f}"]
        for stage, speed in speeds.items()
    ]
    rows.append(_eager_row(metrics))
    share = metrics["share of the slower"]
    text = (
        "Medians of the rounds; in brackets the minimum and the maximum. The command reaches "
        f"{_spread_text(share, digits=2)} of the slower of its two parts."
    )
    head = ["stage", "listings per second", "of the bare model", "milliseconds per listing"]
    return Section("Listings per second", text, TERMS, [ReportTable(head, rows)])


def _eager_row(metrics: Mapping[str, Any]) -> list[str]:
    eager, bare = metrics["eager float32, listings per second"], metrics["listings per second"][MODEL]
    share = f"{eager['median'] / bare['median']:.2f}"
    return [EAGER, _spread_text(eager), share, f"{1e3 / eager['median']:.2f}"]


def _limit_table(metrics: Mapping[str, Any]) -> ReportTable:
    limit, reached = metrics["limit, operations per second"], metrics["model, operations per second"]
    side = metrics["matrix side"]
    share = reached["median"] / limit["median"]
    rows = [
        [f"product of two matrices of {side} x {side}, {metrics['precision']}", _spread_text(limit, 1e9), ""],
        [
            f"{MODEL}, {metrics['operations per listing'] / 1e9:.3g} GFLOP per listing",
            _spread_text(reached, 1e9),
            f"{share:.1%}",
        ],
    ]
    return ReportTable(["", "GFLOP per second", "of the limit"], rows)


def _memory_table(memory: Mapping[str, int]) -> ReportTable:
    rows = [["before, with the model loaded", _mebibytes(memory["before"])]]
    rows += [["at the peak", _mebibytes(memory["peak"])]]
    if memory["GPU peak"]:
        rows += [["tensors on the GPU, at the peak", _mebibytes(memory["GPU peak"])]]
    return ReportTable(["", "MiB"], rows)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f}"


def _spread_text(spread: Mapping[str, float], unit: float = 1.0, digits: int = 1) -> str:
    median, least, most = (f"{spread[name] / unit:,.{digits}f}" for name in ("median", "least", "most"))
    return f"{median} ({least} to {most})"
