"""Builds an index folder from embeddings."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.columns import read_texts
from itemsearch.errors import IndexFolderError
from itemsearch.indexes.building.choose import parse_spec
from itemsearch.indexes.building.target import BuildOptions, FilesReport, build_files
from itemsearch.indexes.building.warm_start import WarmStart
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.gpu import resolve_device
from itemsearch.indexes.storage.files import create_vectors, read_files_summary, save_array
from itemsearch.indexes.storage.publish import KEEP_VERSIONS, staging
from itemsearch.indexes.storage.versions import CURRENT, current_version, read_pointer
from itemsearch.indexes.types import Target
from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency
from itemsearch.probability.calibration import carry_over
from itemsearch.search.folder import (
    FORMAT,
    ID_ORDER,
    LISTINGS,
    NGRAM_FREQUENCY,
    IndexSummary,
    index_errors,
    library_versions,
    summarise,
)
from itemsearch.search.verify import Guard, check_staged
from itemsearch.store.manifest import ModelStamp
from itemsearch.store.reader import EmbeddedRows, open_embedded
from itemsearch.store.schema import VECTORS


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The settings of a build.

    device: "auto", "cpu" or "cuda". spec: such as "IVF4096,PQ48" or "Flat"; "" to choose from rows and
    dimension. seed: of training. target: the recall to reach, and what it may cost; None to measure nothing.
    keep: how many versions stay, the new one among them. retrain_ratio: the training of the current version
    is kept, as far as it is of the same model and target and reaches it, until the different vectors have
    grown or shrunk by more than this share; None to train anew.
    """

    device: str = "auto"
    spec: str = ""
    seed: int = 0
    target: Target | None = None
    keep: int = KEEP_VERSIONS
    retrain_ratio: float | None = None


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
            ids = _copy_rows(source, stage.folder)
            order = _sorted_rows(ids, source)
            save_array(stage.folder / ID_ORDER, order)
            save_array(stage.folder / NGRAM_FREQUENCY, _ngram_frequency(stage.folder))
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            copied = time.perf_counter() - started
            options = BuildOptions(spec, device, config.seed, config.target)
            if config.retrain_ratio is not None:
                options = _keeping(options, out, source.model, config.retrain_ratio)
            files = build_files(stage.folder, rank, options)
            metadata = _metadata(source, out, stage.folder, files, copied)
            carry_over(out, stage.folder, source.model.fingerprint if source.model else None)
            for guard in (check_staged, *guards):
                guard(stage.folder, metadata)
            summary = summarise(out, stage.publish(metadata, config.keep))
            return replace(summary, current=read_pointer(out).current)


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
    if version.metadata.get("format") != FORMAT:
        return replace(options, cold_reason=f"version {version.number} is of another version of itemsearch")
    made_by = version.metadata["model"]
    if model is None or made_by is None or made_by["fingerprint"] != model.fingerprint:
        return replace(options, cold_reason=f"version {version.number} is of another model")
    return replace(options, warm_start=WarmStart(version, retrain_ratio))


def _metadata(
    source: EmbeddedRows, out: Path, folder: Path, files: FilesReport, copied: float
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
        "seconds": {"copy": copied, **files.seconds},
        "training": files.training,
        "libraries": library_versions(),
    }


def _copy_rows(source: EmbeddedRows, folder: Path) -> pa.ChunkedArray:
    """Writes `vectors.npy` and `listings.arrow` a batch at a time; returns the ids."""
    kept = [name for name in source.schema.names if name not in VECTORS]
    schema = pa.schema([_string_id(source, name) for name in kept])
    vectors = create_vectors(folder, source.rows, source.dim)
    ids: list[pa.Array] = []
    row = 0
    with pa.OSFile(str(folder / LISTINGS), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in source.batches():
            listings = pa.RecordBatch.from_arrays(
                [batch[name].cast(schema.field(name).type) for name in kept], schema=schema
            )
            writer.write_batch(listings)
            ids.append(listings["id"])
            vectors[row : row + batch.num_rows] = _unit_vectors(batch["embedding"], listings["id"], source)
            row += batch.num_rows
    vectors.flush()
    return pa.chunked_array(ids)


def _ngram_frequency(folder: Path) -> npt.NDArray[np.float64]:
    """(NGRAM_BUCKETS,) float64: the inverse document frequency of each bucket in the listings' titles."""
    with pa.memory_map(str(folder / LISTINGS)) as source:
        reader = pa.ipc.open_file(source)
        batches = map(reader.get_batch, range(reader.num_record_batches))
        titles = (title for batch in batches for title in read_texts(batch, "title") if title)
        return inverse_document_frequency(titles, NGRAM_BUCKETS)


def _string_id(source: EmbeddedRows, name: str) -> pa.Field:
    field = source.schema.field(name)
    if name != "id":
        return field
    kind = field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise IndexFolderError(f"{source.source}: ids are {kind}; they must be strings or integers")
    return field.with_type(pa.string())


def _unit_vectors(embeddings: pa.Array, ids: pa.Array, source: EmbeddedRows) -> npt.NDArray[np.float32]:
    """(N, E) float32 of length 1.

    Raises:
        IndexFolderError: an embedding is missing, of another length, not finite or all zero.
    """
    lengths = pc.fill_null(pc.list_value_length(embeddings), 0).to_numpy(zero_copy_only=False)
    if (wrong := np.flatnonzero(lengths != source.dim)).size:
        raise IndexFolderError(
            f"{source.source}: the embedding of id {ids[int(wrong[0])].as_py()!r} "
            f"has {lengths[wrong[0]]} numbers, others have {source.dim}"
        )
    flat = pc.fill_null(embeddings.flatten().cast(pa.float32()), float("nan"))
    vectors = flat.to_numpy(zero_copy_only=False).reshape(-1, source.dim)  # (N * E,) -> (N, E)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (wrong := np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))).size:
        raise IndexFolderError(
            f"{source.source}: the embedding of id {ids[int(wrong[0])].as_py()!r} is not finite or all zero"
        )
    units: npt.NDArray[np.float32] = vectors / norms
    return units


def _sorted_rows(ids: pa.ChunkedArray, source: EmbeddedRows) -> npt.NDArray[np.int64]:
    """(N,) int64: the rows in order of id.

    Raises:
        IndexFolderError: an id is missing or there twice.
    """
    if ids.null_count:
        raise IndexFolderError(f"{source.source}: row {pc.index(ids.is_null(), True).as_py() + 1} has no id")
    order = pc.sort_indices(ids)
    ordered = ids.take(order)
    twice = pc.index(pc.equal(ordered.slice(1), ordered.slice(0, len(ordered) - 1)), True).as_py()
    if twice >= 0:
        raise IndexFolderError(
            f"{source.source}: id {ordered[twice].as_py()!r} is there twice; ids must differ"
        )
    rows: npt.NDArray[np.int64] = order.to_numpy().astype(np.int64)
    return rows
