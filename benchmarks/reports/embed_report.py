"""The report of `itemsearch benchmark embed`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.reports.page import Report, Section, Table, write_report

READING, PREPARING, MODEL, WRITING = "reading and decoding", "preparing", "the bare model", "writing"
ONE_BY_ONE, TOGETHER = "one after another", "itemsearch embed"
TERMS = {
    READING: "rows read and checked, pictures decoded.",
    PREPARING: "titles cut into word pieces and n-grams, pictures resized, tensors filled.",
    MODEL: "the encoder alone on tensors that are ready, their way to the device and back included.",
    WRITING: "thumbnails drawn, Parquet compressed and put on the disk.",
    ONE_BY_ONE: "the four stages in turn, nothing beside them.",
    TOGETHER: "the whole as a user runs it; reading goes on while the model computes.",
}
LIMIT_TEXT = (
    "A model is matrix products and convolutions for the most part. What it needs of them is counted, and "
    "set against the fastest product of two large matrices that the device made in the same number format."
)
MEMORY_TEXT = "Of the whole process, looked at every hundredth of a second while it embedded."


def report(out: Path, described: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Writes metrics.json, report.md and report.html."""
    sections = [
        speed_section(metrics),
        Section("The machine's limit", LIMIT_TEXT, tables=[_limit_table(metrics)]),
        Section("Memory", MEMORY_TEXT, tables=[_memory_table(metrics["memory"])]),
    ]
    write_report(out, described, metrics, Report("Speed of embedding", described["summary"], sections))


def speed_section(metrics: Mapping[str, Any]) -> Section:
    """Products per second by stage."""
    speeds = metrics["products per second"]
    bare = speeds[MODEL]["median"]
    rows = [
        [stage, _spread_text(speed), f"{speed['median'] / bare:.2f}", f"{1e3 / speed['median']:.2f}"]
        for stage, speed in speeds.items()
    ]
    text = "Medians of the rounds, and in brackets the least and the most."
    head = ["stage", "products per second", "of the bare model", "milliseconds a product"]
    return Section("Products per second", text, TERMS, [Table(head, rows)])


def _limit_table(metrics: Mapping[str, Any]) -> Table:
    limit, reached = metrics["limit, operations a second"], metrics["model, operations a second"]
    side = metrics["matrix side"]
    share = reached["median"] / limit["median"]
    rows = [
        [f"product of two matrices of {side} x {side}, {metrics['precision']}", _spread_text(limit, 1e9), ""],
        [
            f"{MODEL}, {metrics['operations a product'] / 1e9:.3g} GFLOP a product",
            _spread_text(reached, 1e9),
            f"{share:.1%}",
        ],
    ]
    return Table(["", "GFLOP a second", "of the limit"], rows)


def _memory_table(memory: Mapping[str, int]) -> Table:
    rows = [["before, with the model loaded", _mebibytes(memory["before"])]]
    rows += [["at the peak", _mebibytes(memory["peak"])]]
    if memory["GPU peak"]:
        rows += [["of tensors on the GPU, at the peak", _mebibytes(memory["GPU peak"])]]
    return Table(["", "MiB"], rows)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f}"


def _spread_text(spread: Mapping[str, float], unit: float = 1.0) -> str:
    median, least, most = (f"{spread[name] / unit:,.1f}" for name in ("median", "least", "most"))
    return f"{median} ({least} to {most})"
