"""Builds an index folder from embeddings."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.indexes.building.choose import parse_spec
from itemsearch.indexes.building.target import BuildOptions, FilesReport, build_files
from itemsearch.indexes.building.warm_start import WarmStart
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.gpu import resolve_device
from itemsearch.indexes.storage.files import read_files_summary, save_array
from itemsearch.indexes.storage.publish import KEEP_VERSIONS, staging
from itemsearch.indexes.storage.versions import CURRENT, current_version, read_pointer
from itemsearch.indexes.types import IndexSpec, Target
from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency
from itemsearch.probability.calibration import carry_over
from itemsearch.search.copy_rows import copy_rows, open_earlier
from itemsearch.search.folder import (
    FORMAT,
    ID_ORDER,
    LISTINGS,
    NGRAM_FREQUENCY,
    READABLE,
    IndexSummary,
    index_errors,
    library_versions,
    summarise,
)
from itemsearch.search.verify import Guard, check_staged
from itemsearch.store.manifest import ModelStamp
from itemsearch.store.reader import EmbeddedRows, open_embedded


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The settings of a build.

    device: "auto", "cpu" or "cuda". spec: such as "IVF4096,PQ48" or "Flat"; "" to choose from rows and
    dimension. seed: of training. target: the recall to reach, and what it may cost; None to measure nothing.
    keep: how many versions stay, the new one among them. retrain_ratio: the training of the current version
    is kept, as far as it is of the same model and target and reaches it, until the different vectors have
    grown or shrunk by more than this share; None to train anew. dtype: of the exact vectors, "float32" or
    "float16"; "" for `dtype_for`.
    """

    device: str = "auto"
    spec: str = ""
    seed: int = 0
    target: Target | None = None
    keep: int = KEEP_VERSIONS
    retrain_ratio: float | None = None
    dtype: str = ""


BY_DEFAULT = IndexConfig()


def build_index_folder(
    store: Path, out: Path, config: IndexConfig = BY_DEFAULT, guards: Sequence[Guard] = ()
) -> IndexSummary:
    """Builds an index over a store, or over any Parquet with `id` and `embedding`, and makes it current.

    Args:
        guards: called after `check_staged`; one that raises keeps the new version from being published.

    Raises:
        StoreError: the embeddings cannot be read.
        IndexFolderError: the spec does not fit, there is no GPU, an id is there twice, or an embedding is not
            finite or all zero.
        GateError: the target is not reached, or a check failed; the current version stays.
    """
    started = time.perf_counter()
    source = open_embedded(store)
    with index_errors(out):
        device = resolve_device(config.device)
        spec = parse_spec(config.spec, source.rows, source.dim) if config.spec else None
        with staging(out) as stage:
            earlier = open_earlier(out)
            rows = copy_rows(source, stage, config.dtype or dtype_for(source, spec), earlier)
            order = rows.id_order
            save_array(stage.folder / ID_ORDER, order)
            save_array(stage.folder / NGRAM_FREQUENCY, _ngram_frequency(stage.folder))
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            copied = time.perf_counter() - started
            options = BuildOptions(spec, device, config.seed, config.target)
            if config.retrain_ratio is not None:
                options = _keeping(options, out, source.model, config.retrain_ratio)
            files = build_files(stage.folder, rank, options)
            seconds = {"copy": copied, **files.seconds}
            metadata = _metadata(source, out, stage.folder, files, rows.shared, seconds)
            carry_over(out, stage.folder, source.model.fingerprint if source.model else None)
            for guard in (check_staged, *guards):
                guard(stage.folder, metadata)
            summary = summarise(out, stage.publish(metadata, config.keep))
            return replace(summary, current=read_pointer(out).current)


def dtype_for(source: EmbeddedRows, spec: IndexSpec | None) -> str:
    """The number format of the exact vectors: float16 for embeddings of our models, whose order it does not
    change (docs/decisions.md), and for others that are float16; float32 where exact search is asked for."""
    if spec is not None and spec.kind == "exact":
        return "float32"
    is_half = pa.types.is_float16(source.schema.field("embedding").type.value_type)
    return "float16" if source.model is not None or is_half else "float32"


def _keeping(
    options: BuildOptions, out: Path, model: ModelStamp | None, retrain_ratio: float
) -> BuildOptions:
    """Adds the current version to keep the training of, if the same model made it; else the reason."""
    if options.target is None:
        return replace(options, cold_reason="no recall is measured, which would tell when to")
    try:
        version = current_version(out)
    except DamagedIndexError as error:
        is_damaged = (out / CURRENT).exists()
        reason = f"the version before is damaged ({error})" if is_damaged else "the first version"
        return replace(options, cold_reason=reason)
    if version.metadata.get("format") not in READABLE:
        return replace(options, cold_reason=f"version {version.number} is of another version of itemsearch")
    made_by = version.metadata["model"]
    if model is None or made_by is None or made_by["fingerprint"] != model.fingerprint:
        return replace(options, cold_reason=f"version {version.number} is of another model")
    return replace(options, warm_start=WarmStart(version, retrain_ratio))


def _metadata(
    source: EmbeddedRows,
    out: Path,
    folder: Path,
    files: FilesReport,
    shared: str,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The metadata that the version in `folder` is published with in the index folder `out`."""
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "store": os.path.relpath(source.source.resolve(), out.resolve()),
        "rows": source.rows,
        "spec": read_files_summary(folder).spec.factory,
        "model": source.model and asdict(source.model),
        "placeholders": source.placeholders,
        "seconds": dict(seconds),
        "training": files.training,
        "shared": shared,
        "libraries": library_versions(),
    }


def _ngram_frequency(folder: Path) -> npt.NDArray[np.float64]:
    """(NGRAM_BUCKETS,) float64: the inverse document frequency of each bucket in the listings' titles."""
    with pa.memory_map(str(folder / LISTINGS)) as source:
        reader = pa.ipc.open_file(source)
        batches = map(reader.get_batch, range(reader.num_record_batches))
        titles = (title for batch in batches for title in read_texts(batch, "title") if title)
        return inverse_document_frequency(titles, NGRAM_BUCKETS)
