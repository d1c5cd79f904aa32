"""The command `itemsearch index tune`, and the recall options that `index build` shares with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, table
from itemsearch.cli._progress import progress
from itemsearch.cli.index_versions import Index, Keep
from itemsearch.errors import UsageError
from itemsearch.indexes.storage.publish import KEEP_VERSIONS

if TYPE_CHECKING:
    from itemsearch.indexes.types import Target
    from itemsearch.search.folder import IndexSummary

TargetRecall = Annotated[
    float | None,
    typer.Option(
        help="Share of the true nearest vectors to find, such as 0.95; if missed, nothing is published."
    ),
]
At = Annotated[int, typer.Option(help="Number of results whose recall is measured.")]
MaxMemory = Annotated[
    str, typer.Option(help="Memory limit of the index, such as 4G; the exact vectors stay on disk.")
]
MaxLatency = Annotated[
    float | None,
    typer.Option(help="Limit of the 99th percentile of query times in one thread, in ms."),
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def tune(
    index: Index,
    target_recall: TargetRecall = None,
    at: At = 10,
    max_latency_ms: MaxLatency = None,
    keep: Keep = KEEP_VERSIONS,
    as_json: AsJson = False,
) -> None:
    """Choose the fastest search that reaches a recall. Recall is measured on held-out vectors.

    Example: itemsearch index tune index --target-recall 0.95
    """
    from itemsearch.search.tune import tune_index_folder

    target = read_target(target_recall, at, "", max_latency_ms)
    if target is None:
        raise UsageError("--target-recall is missing: give a recall, such as 0.95")
    with progress() as shown:
        summary = tune_index_folder(index, target, keep, shown)
    if as_json:
        emit_json(summary)
        return
    show_points(summary)
    print(f"version {summary.version} in {summary.folder}: {recall_line(summary)}")


def read_target(recall: float | None, at: int, max_memory: str, max_ms: float | None) -> Target | None:
    """The target that the options describe; None without --target-recall.

    Raises:
        UsageError: a recall, k, size or time out of range, or limits without a recall.
    """
    from itemsearch.indexes.types import Target

    if recall is None:
        if max_memory or max_ms is not None or at != 10:
            raise UsageError("--at, --max-memory and --max-latency-ms belong to --target-recall")
        return None
    if not 0 < recall <= 1:
        raise UsageError(f"--target-recall {recall:g}: give a share above 0, up to 1, such as 0.95")
    if at < 1:
        raise UsageError(f"--at {at}: give 1 or more")
    if max_ms is not None and not max_ms > 0:
        raise UsageError(f"--max-latency-ms {max_ms:g}: give more than 0")
    return Target(recall, at, _bytes(max_memory) if max_memory else None, max_ms)


def show_points(summary: IndexSummary) -> None:
    """Prints the measured operating points as a table; a star marks the chosen one."""
    if summary.tuning is None:
        return
    at, chosen = summary.tuning.target.at, summary.tuning.chosen
    headings = [
        "",
        f"recall@{at}",
        "mean ms",
        "p99 ms",
        "queries/s",
        "bytes",
        "index",
        "nprobe",
        "candidates",
    ]
    rows = [
        [
            "*" if point.params == chosen.params else "",
            f"{point.recall:.4f}",
            f"{point.mean_ms:.2f}",
            f"{point.p99_ms:.2f}",
            f"{point.queries_per_second:,.0f}",
            f"{point.bytes_per_vector:,.1f}",
            point.spec,
            f"{point.params.nprobe}",
            f"{point.params.candidates:,}",
        ]
        for point in summary.tuning.points
    ]
    table(headings, rows)


def recall_line(summary: IndexSummary) -> str:
    """The measured recall and query times in one line."""
    if summary.tuning is None:
        return f"not measured: itemsearch index tune {summary.folder} --target-recall 0.95"
    chosen, target = summary.tuning.chosen, summary.tuning.target
    return (
        f"recall@{target.at} {chosen.recall:.4f} on {chosen.queries:,} held-out queries, "
        f"{chosen.mean_ms:.2f} ms a query, p99 {chosen.p99_ms:.2f} ms, measured {summary.tuning.measured}"
    )


def _bytes(text: str) -> int:
    """Parses a size such as 512M or 4G into bytes.

    Raises:
        UsageError: not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--max-memory {text!r}: write a number of bytes, or a size such as 512M or 4G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))
