"""Exports an index: writes what the target lacks, then verifies it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itemsearch.errors import ExportError, UsageError
from itemsearch.export.config import ExportConfig, ExportTo
from itemsearch.export.rows import ExportedRows
from itemsearch.export.types import ExportReport, Stamp, Target
from itemsearch.export.verify import NEIGHBOURS, verify
from itemsearch.indexes.durable import only_writer
from itemsearch.indexes.errors import VectorIndexError
from itemsearch.indexes.progress import Progress
from itemsearch.indexes.storage.versions import read_pointer
from itemsearch.search.engine import Engine
from itemsearch.search.folder import index_errors


def export_index(index: Path, config: ExportConfig, progress: Progress) -> ExportReport:
    """Exports the current version of an index. An export that was stopped goes on where it was.

    Args:
        progress: is told how many rows the target has.

    Raises:
        UsageError: a column, or a place that does not fit the engine.
        IndexFolderError: there is no index, or it is damaged.
        ExportError: a library is missing, the target holds something else or cannot be written, or what it
            then holds is not what the index holds.
    """
    _check_place(config)
    engine = Engine.open(index)
    rows = ExportedRows.of(engine, config.columns, config.numbers)
    stamp = _stamp(index, rows)
    with _only_exporter(config.out), _opened(config) as target:
        started = time.perf_counter()
        _prepare(target, config, stamp, rows)
        held = done = target.held()
        progress("listings exported", held, len(rows))
        for first, batch in rows.batches(target.batch_rows, held):
            target.write(batch, first)
            done = first + batch.num_rows
            progress("listings exported", done, len(rows))
        target.finish()
        wrote = time.perf_counter()
        queries = verify(engine, target, config.verify, config.where)
        seconds = {"write": wrote - started, "verify": time.perf_counter() - wrote}
    return ExportReport(
        config.to.value,
        config.where,
        config.name,
        stamp.version,
        len(rows),
        done - held,
        stamp.dim,
        stamp.columns,
        seconds,
        queries,
        min(NEIGHBOURS, len(rows)),
    )


def _check_place(config: ExportConfig) -> None:
    if (config.out is None) == (not config.url):
        raise UsageError("give either --out, a folder, or --url, the address of a server")
    if config.url and config.to is not ExportTo.QDRANT:
        raise UsageError(f"{config.to.value} has no server to write to: give --out, a folder")


def _stamp(index: Path, rows: ExportedRows) -> Stamp:
    summary = rows.engine.summary
    with index_errors(index):
        manifests = read_pointer(index).manifests
    if summary.version not in manifests:
        raise ExportError(f"{index}: version {summary.version} was removed meanwhile; export again")
    return Stamp(
        index=manifests[summary.version],
        version=summary.version,
        rows=len(rows),
        dim=summary.dim,
        columns={field.name: str(field.type) for field in rows.columns.schema},
        model=summary.model.name if summary.model else "",
        fingerprint=summary.model.fingerprint if summary.model else "",
    )


def _prepare(target: Target, config: ExportConfig, stamp: Stamp, rows: ExportedRows) -> None:
    """Leaves a target that is empty, or a part of this very export.

    Raises:
        ExportError: it holds something else.
    """
    there = target.stamp()
    if there is not None and there != stamp and config.replace:
        target.remove()
        there = None
    if there is None:
        target.create(stamp, rows.schema)
    elif there != stamp:
        raise ExportError(
            f"{config.where}: {config.name!r} is an export of version {there.version} of an index of "
            f"{there.rows:,} rows, or of other columns; give --replace, or another --name or place"
        )


@contextmanager
def _only_exporter(out: Path | None) -> Iterator[None]:
    """Holds the lock of a folder; a server has no such lock, and writing twice doubles nothing there."""
    if out is None:
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    try:
        with only_writer(out, "export"):
            yield
    except VectorIndexError as error:
        raise ExportError(str(error)) from error


@contextmanager
def _opened(config: ExportConfig) -> Iterator[Target]:
    try:
        target = _open_target(config)
    except ImportError as error:
        extra = config.to.value
        raise ExportError(f"{error.name} is missing: pip install 'itemsearch[{extra}]'") from error
    try:
        yield target
    finally:
        target.close()


def _open_target(config: ExportConfig) -> Target:
    if config.to is ExportTo.QDRANT:
        from itemsearch.export.to_qdrant import QdrantTarget

        return QdrantTarget.open(config)
    out = config.out or Path()
    if config.to is ExportTo.LANCEDB:
        from itemsearch.export.to_lancedb import LanceTarget

        return LanceTarget.open(out, config.name)
    from itemsearch.export.to_files import FaissTarget, ParquetTarget

    return FaissTarget(out) if config.to is ExportTo.FAISS else ParquetTarget(out)
