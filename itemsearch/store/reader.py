"""Reads embeddings from a store, or from any Parquet files with the columns `id` and `embedding`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.columns import no_column
from itemsearch.errors import StoreError
from itemsearch.store.manifest import MANIFEST, ModelStamp, read_manifest


@dataclass(frozen=True, slots=True)
class EmbeddedRows:
    """Rows with an `id` and an `embedding` of `dim` numbers, in Parquet files.

    source: the path as given. model: None for external embeddings. placeholders: as in `StoreManifest`.
    """

    source: Path
    files: tuple[Path, ...]
    rows: int
    dim: int
    schema: pa.Schema
    model: ModelStamp | None
    placeholders: tuple[int, ...] = ()

    def batches(self, rows: int = 8192, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yields all rows in order, at most `rows` at a time; page checksums are verified if there are any.

        Args:
            columns: those to read; None for all.

        Raises:
            StoreError: a file is damaged.
        """
        for path in self.files:
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    yield from file.iter_batches(rows, columns=columns)
            except (pa.ArrowException, OSError) as error:
                raise StoreError(f"{path}: damaged: {_first_line(error)}; make it again") from error


def open_embedded(path: Path) -> EmbeddedRows:
    """Opens a store, a Parquet file, or a folder of Parquet files.

    Raises:
        StoreError: the path is none of these, or it is unfinished, empty, damaged, or lacks one of the two
        columns.
    """
    if not path.exists():
        raise StoreError(f"{path}: no such store, Parquet file or folder")
    if path.is_dir() and ((path / MANIFEST).exists() or (path / "data").is_dir()):
        return _open_store(path)
    files = tuple(sorted(path.glob("*.parquet"))) if path.is_dir() else (path,)
    if not files:
        raise StoreError(f"{path}: neither a store (no {MANIFEST}) nor a folder of Parquet files")
    return _open_files(path, files, None)


def _open_store(path: Path) -> EmbeddedRows:
    manifest = read_manifest(path)
    files = tuple(path / "data" / shard.name for shard in manifest.shards)
    for file, shard in zip(files, manifest.shards, strict=True):
        if not file.is_file():
            raise StoreError(
                f"{file}: missing, though {path / MANIFEST} lists it; run itemsearch embed again"
            )
        if file.stat().st_size != shard.bytes:
            raise StoreError(
                f"{file}: not the {shard.bytes} bytes that were written; run itemsearch embed again"
            )
    return replace(_open_files(path, files, manifest.model), placeholders=manifest.placeholders)


def _open_files(source: Path, files: tuple[Path, ...], model: ModelStamp | None) -> EmbeddedRows:
    rows, schemas = 0, []
    for path in files:
        try:
            metadata = pq.read_metadata(path)
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path}: not a readable Parquet file: {_first_line(error)}") from error
        rows += metadata.num_rows
        schemas.append(metadata.schema.to_arrow_schema().remove_metadata())
    for path, schema in zip(files, schemas, strict=True):
        for column in ("id", "embedding"):
            if column not in schema.names:
                raise StoreError(f"{path}: {no_column(schema.names, column)}")
        if schema != schemas[0]:
            raise StoreError(f"{path}: other columns or types than {files[0].name}")
    if not rows:
        raise StoreError(f"{source}: no rows to index")
    return EmbeddedRows(source, files, rows, _dimension(files), schemas[0], model)


def _dimension(files: tuple[Path, ...]) -> int:
    """The length of the first embedding. Readers of the batches check that the others have it too."""
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(1, columns=["embedding"]):
                    kind = batch["embedding"].type
                    if not (
                        pa.types.is_list(kind)
                        or pa.types.is_large_list(kind)
                        or pa.types.is_fixed_size_list(kind)
                    ):
                        raise StoreError(f"{path}: column 'embedding' is {kind}; it must be a list of floats")
                    return len(batch["embedding"][0].as_py() or ())
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path}: damaged: {_first_line(error)}; make it again") from error
    return 0


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
