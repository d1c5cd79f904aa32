"""Copies the rows of a store into a version, which shares with the version before what has not changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.errors import IndexFolderError
from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.storage.publish import Staging
from itemsearch.indexes.storage.vector_writer import VectorWriter
from itemsearch.indexes.storage.vectors import StoredVectors, vector_files
from itemsearch.indexes.storage.versions import CURRENT, Version, current_version, verify_version
from itemsearch.search.folder import FORMAT, LISTINGS, read_listings
from itemsearch.search.pictures import PICTURE_COLUMNS, PictureWriter, StoredPictures, picture_files
from itemsearch.store.reader import EmbeddedRows
from itemsearch.store.schema import VECTORS

LISTINGS_BATCH = 65_536
"""Rows of a batch of `listings.arrow`: a column of a million listings has 16 pieces."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version that files may be shared with; its ids are in the order of its rows."""

    version: Version
    vectors: StoredVectors
    pictures: StoredPictures
    ids: pa.ChunkedArray

    @classmethod
    def open(cls, version: Version) -> Earlier:
        """
        Raises:
            DamagedIndexError: it is damaged, or of a format whose files cannot be shared.
        """
        if version.metadata.get("format") != FORMAT:
            raise DamagedIndexError(f"version {version.number} is of another version of itemsearch")
        vectors, pictures = StoredVectors.open(version.folder), StoredPictures.open(version.folder)
        verify_version(version, [*vector_files(version.folder), *picture_files(version.folder)])
        return cls(version, vectors, pictures, read_listings(version.folder)["id"])

    def rows_of(self, ids: pa.ChunkedArray) -> Rows:
        """(N,) int64, the row of each id; -1 where there is none."""
        rows: Rows = pc.fill_null(pc.index_in(ids, self.ids), -1).to_numpy().astype(np.int64)
        return rows


@dataclass(frozen=True, slots=True)
class CopiedRows:
    """id_order: (N,) int64, the rows in order of id. shared: what it shares with another version."""

    id_order: Rows
    shared: str


def open_earlier(index: Path) -> Earlier | str:
    """Opens the current version of an index; where there is none to share with, says why."""
    try:
        return Earlier.open(current_version(index))
    except DamagedIndexError as error:
        return str(error) if (index / CURRENT).exists() else "the first version"


def copy_rows(
    source: EmbeddedRows, stage: Staging, dtype: str, earlier: Earlier | str, progress: Progress = silent
) -> CopiedRows:
    """Writes vectors, pictures and `listings.arrow`, a batch at a time.

    Args:
        dtype: of the vectors. earlier: as `open_earlier` returns it.

    Raises:
        IndexFolderError: an id is missing or there twice; or an embedding is missing, of another length, not
            finite or all zero.
        OSError: the disk is full.
    """
    columns = [name for name in PICTURE_COLUMNS if _is_binary(source.schema, name)]
    schema = pa.schema([_field(source, name, columns) for name in source.schema.names if name not in VECTORS])
    ids = pa.chunked_array([batch["id"].cast(pa.string()) for batch in source.batches(columns=["id"])])
    order = _sorted_rows(ids, source)
    known = earlier if isinstance(earlier, Earlier) and earlier.vectors.shape[1] == source.dim else None
    earlier_rows = known.rows_of(ids) if known else np.full(len(ids), -1)
    folder = stage.folder
    before: tuple[Any, ...] = (known.vectors, known.version.folder) if known else ()
    with (
        VectorWriter(folder, source.dim, dtype, *before) as vectors,
        PictureWriter(folder, columns, known.pictures if known else None) as pictures,
        pa.OSFile(str(folder / LISTINGS), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        row = 0
        pending: list[pa.RecordBatch] = []
        for batch in source.batches():
            rows = earlier_rows[row : row + batch.num_rows]
            vectors.add(_unit_vectors(batch["embedding"], ids.slice(row), source), rows)
            for name in columns:
                pictures.add(name, batch[name], rows)
            pending.append(_listings(batch, schema, columns))
            row += batch.num_rows
            progress("embeddings copied", row, source.rows)
            if sum(each.num_rows for each in pending) >= LISTINGS_BATCH:
                _write(writer, pending)
                pending = []
        _write(writer, pending)
        names = [*vectors.finish(), *pictures.finish()]
    return CopiedRows(order, _share(stage, known, names) if known else f"nothing: {earlier}")


def _share(stage: Staging, earlier: Earlier, names: list[str]) -> str:
    stage.share(earlier.version, names)
    how = f", of which {stage.copied:,} were copied, as the disk has no hard links" if stage.copied else ""
    return f"{stage.shared:,} bytes of version {earlier.version.number}{how}"


def _write(writer: pa.RecordBatchFileWriter, batches: list[pa.RecordBatch]) -> None:
    if batches:
        writer.write_table(pa.Table.from_batches(batches).combine_chunks())


def _listings(batch: pa.RecordBatch, schema: pa.Schema, pictures: list[str]) -> pa.RecordBatch:
    """The columns of a batch but its embeddings; nothing but the names of the pictures' columns."""
    columns = [
        pa.nulls(batch.num_rows) if name in pictures else batch[name].cast(schema.field(name).type)
        for name in schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _is_binary(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and bool(pa.types.is_binary(schema.field(name).type))


def _field(source: EmbeddedRows, name: str, pictures: list[str]) -> pa.Field:
    field = source.schema.field(name)
    if name in pictures:
        return pa.field(name, pa.null())
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
