"""The commands `itemsearch index build` and `info`, and the group of the `index` commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._app import App
from itemsearch.cli._options import AsJson, TorchDevice
from itemsearch.cli._output import emit_json, facts, progress
from itemsearch.cli.calibrate import calibration_line
from itemsearch.cli.index_tune import (
    At,
    MaxLatency,
    MaxMemory,
    TargetRecall,
    read_target,
    recall_line,
    show_points,
    tune,
)
from itemsearch.cli.index_versions import Index, Keep, list_, pinned_words, prune, rollback, unpin, verify
from itemsearch.indexes.storage.publish import KEEP_VERSIONS

if TYPE_CHECKING:
    from itemsearch.search.folder import IndexSummary

index_app = App("index", "Build, tune and inspect an index, and manage its versions.")
index_app.command()(tune)
index_app.command("list")(list_)
index_app.command()(verify)
index_app.command()(rollback)
index_app.command()(unpin)
index_app.command()(prune)


@index_app.command("build")
def build(
    store: Annotated[Path, typer.Argument(help="Store, or Parquet with the columns id and embedding.")],
    out: Annotated[Path, typer.Option(help="Index folder, to which a new version is added.")],
    device: TorchDevice = "auto",
    spec: Annotated[
        str,
        typer.Option(
            help='FAISS index, such as "IVF4096,PQ48" or "Flat". Default: chosen by the number of rows.'
        ),
    ] = "",
    target_recall: TargetRecall = None,
    at: At = 10,
    max_memory: MaxMemory = "",
    max_latency_ms: MaxLatency = None,
    keep: Keep = KEEP_VERSIONS,
    as_json: AsJson = False,
) -> None:
    """Build an index of the embeddings of a store. A version that passes its checks becomes current.

    Example: itemsearch index build store --out index

    Example: itemsearch index build store --out index --target-recall 0.95 --max-latency-ms 10
    """
    from itemsearch.search.build import IndexConfig, build_index_folder

    target = read_target(target_recall, at, max_memory, max_latency_ms)
    with progress("indexing"):
        summary = build_index_folder(store, out, IndexConfig(device, spec, target=target, keep=keep))
    if not as_json:
        show_points(summary)
    _show(summary, as_json)


@index_app.command("info")
def info(
    index: Index,
    as_json: AsJson = False,
) -> None:
    """Show what an index contains and how it was built.

    Example: itemsearch index info index
    """
    from itemsearch.search.folder import read_summary

    _show(read_summary(index), as_json)


def _show(summary: IndexSummary, as_json: bool) -> None:
    if as_json:
        emit_json(summary)
        return
    exact = summary.kind == "exact"
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary.seconds.items())
    facts(
        {
            "rows": f"{summary.rows:,}",
            "index": "exact: every vector is compared (too few to train IVF-PQ on, or --spec Flat)"
            if exact
            else f"{summary.spec}, IVF-PQ",
            "embedding": f"{summary.dim} numbers",
            "bytes per vector": f"{summary.bytes_per_vector:,.1f} in the index",
            "search": "every row" if exact else f"nprobe {summary.nprobe}, then exact re-ranking",
            "training": summary.training,
            "exact vectors": summary.dtype,
            "shared": summary.shared,
            "recall": recall_line(summary),
            "duplicates": calibration_line(summary),
            "model": summary.model.name if summary.model else "none: external embeddings",
            "built": f"{summary.created} on {summary.device}" + (f" ({seconds})" if seconds else ""),
            "version": f"{summary.version} in {summary.folder}{pinned_words(summary)}",
        }
    )
