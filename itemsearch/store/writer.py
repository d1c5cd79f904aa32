"""Writes a store: shards go to a staging folder and become the store when the last row is added.

A run that is stopped or killed leaves the store as it was and its shards in the staging folder, where the
next run finds them (`itemsearch.store.reuse`).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.errors import StoreError
from itemsearch.indexes.arrays import Floats
from itemsearch.indexes.durable import only_writer, replace_file, replacing, sync, temporary_files
from itemsearch.indexes.errors import BusyError, DiskFullError
from itemsearch.spreadsheet import as_csv
from itemsearch.store.kept_pictures import KEPT_FILES
from itemsearch.store.manifest import (
    MANIFEST,
    NO_FOLDERS,
    STORE_VERSION,
    ModelStamp,
    PictureFolders,
    Shard,
    StoreManifest,
    write_manifest,
)
from itemsearch.store.schema import STAGING, StoredPictures, store_schema
from itemsearch.store.shards import listed_shards, remove_unlisted
from itemsearch.types import Listing, Reject

REJECTS, REJECTS_CSV = "rejects.parquet", "rejects.csv"
SHARD_ROWS = 4096
"""Rows of a shard, which are the most that a killed run loses."""

REJECTS_SCHEMA = pa.schema(
    {"row": pa.int64(), "id": pa.string(), "reason": pa.string(), "message": pa.string()}
)


@dataclass(slots=True)
class StoreWriter:
    """A context manager that writes a store. Without a call of `finish` the earlier store stays.

    dim, dtype: of an embedding. carried: the columns that are copied from the catalog. keep_replaced: the
    shards of the store that is replaced stay, so that it can be put back (`itemsearch.store.restore`).
    """

    folder: Path
    model: ModelStamp
    dim: int
    dtype: str
    carried: pa.Schema
    keep_replaced: bool = False
    _pending: list[pa.RecordBatch] = field(default_factory=list)
    _pending_rows: int = 0
    _shards: list[Shard] = field(default_factory=list)
    _rejects: list[Reject] = field(default_factory=list)
    # A part of the names of the shards, which must differ from those of the store that is replaced.
    _run: str = field(default_factory=lambda: secrets.token_hex(4))
    _lock: AbstractContextManager[None] = field(default_factory=nullcontext)

    def __enter__(self) -> Self:
        """
        Raises:
            StoreError: `folder` contains files that are not of a store, or another process is writing there.
        """
        self._check_folder()
        self._staging.mkdir(parents=True, exist_ok=True)
        self._lock = only_writer(self.folder, "store")
        try:
            self._lock.__enter__()
        except BusyError as error:
            raise StoreError(str(error)) from None
        for temporary in self._temporary_files():
            temporary.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Raises:
            StoreError: the disk is full.
        """
        try:
            self._lock.__exit__(kind, error, trace)
        except DiskFullError as full:
            raise StoreError(str(full)) from error

    def _check_folder(self) -> None:
        """
        Raises:
            StoreError: `folder` is a file, or contains files that are not of a store.
        """
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise StoreError(f"{self.folder}: a file; a store is a folder, give another --out")
        ours = {self.folder / name for name in (MANIFEST, "data", REJECTS, REJECTS_CSV, STAGING, *KEPT_FILES)}
        foreign = sorted(set(self.folder.iterdir()) - ours - set(self._temporary_files()))
        if foreign:
            raise StoreError(
                f"{self.folder}: holds {foreign[0].name}, which is no store's; give another --out"
            )

    def _temporary_files(self) -> list[Path]:
        replaced = (MANIFEST, REJECTS, REJECTS_CSV)
        return [file for name in replaced for file in temporary_files(self.folder / name)]

    @property
    def _staging(self) -> Path:
        return self.folder / STAGING

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self._shards) + self._pending_rows

    @property
    def schema(self) -> pa.Schema:
        return store_schema(self.carried, self.dim, self.dtype, self.model)

    def add(
        self,
        listings: Sequence[Listing],
        embeddings: Floats,
        pictures: StoredPictures,
        carried: pa.RecordBatch,
    ) -> None:
        """Adds N listings.

        Args:
            embeddings: (N, dim) float32 of length 1.
            pictures: of the N listings.
            carried: the N rows of the carried columns.

        Raises:
            OSError: the disk is full.
        """
        flat = pa.array(embeddings.astype(self.dtype).ravel())  # (N, dim) -> (N * dim,)
        columns = [
            pa.array([listing.id for listing in listings], pa.string()),
            pa.array([listing.title or None for listing in listings], pa.string()),
            pa.array([listing.category or None for listing in listings], pa.string()),
            pa.FixedSizeListArray.from_arrays(flat, self.dim),
            pa.array([listing.content_hash for listing in listings], pa.string()),
            pa.array([bool(listing.title) for listing in listings]),
            pa.array([thumbnail is not None for thumbnail in pictures.thumbnails]),
            pa.array(pictures.thumbnails, pa.binary()),
            pa.array(pictures.others, pa.binary()),
            pa.array([listing.image_number or None for listing in listings], pa.int32()),
            pa.array([listing.image_name or None for listing in listings], pa.string()),
            pa.array([_problem_text(listing) for listing in listings], pa.string()),
            *carried.columns,
        ]
        self._pending.append(pa.RecordBatch.from_arrays(columns, schema=self.schema))
        self._pending_rows += len(listings)
        if self._pending_rows >= SHARD_ROWS:
            self._write_shard()

    def reject(self, rejects: Sequence[Reject]) -> None:
        self._rejects.extend(rejects)

    def write_rejects(self) -> Path:
        """Writes `rejects.parquet`, and the same as `rejects.csv` for spreadsheets, whether or not the store
        will be finished; returns the path of the latter."""
        rows = [(reject.row, reject.id, reject.reason.value, reject.message) for reject in self._rejects]
        columns = list(zip(*rows, strict=True)) or [()] * len(REJECTS_SCHEMA)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, REJECTS_SCHEMA, strict=True)]
        table = pa.table(arrays, schema=REJECTS_SCHEMA)
        with replacing(self.folder / REJECTS) as temporary:
            pq.write_table(table, temporary, write_page_checksum=True)
        replace_file(self.folder / REJECTS_CSV, as_csv(table))
        return self.folder / REJECTS_CSV

    def finish(
        self,
        catalog: str,
        rows_in: int,
        placeholders: tuple[int, ...] = (),
        pictures: PictureFolders = NO_FOLDERS,
    ) -> StoreManifest:
        """Makes the added rows the store, in one step: the new manifest lists their shards alone.

        Args:
            placeholders, pictures: as in `StoreManifest`.
        """
        if self._pending:
            self._write_shard()
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        for shard in self._shards:
            (self._staging / shard.name).rename(data / shard.name)
        sync(data)
        manifest = StoreManifest(
            version=STORE_VERSION,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            catalog=os.path.relpath(catalog, self.folder) if Path(catalog).is_absolute() else catalog,
            rows_in=rows_in,
            rows=self.rows,
            rejected=len(self._rejects),
            dim=self.dim,
            dtype=self.dtype,
            normalised=True,
            model=self.model,
            shards=tuple(self._shards),
            placeholders=placeholders,
            pictures=pictures,
        )
        replaced = listed_shards(self.folder) if self.keep_replaced else ()
        write_manifest(self.folder, manifest)
        remove_unlisted(self.folder, replaced)
        shutil.rmtree(self._staging)
        return manifest

    def _write_shard(self) -> None:
        name = f"part-{len(self._shards):05d}-{self._run}.parquet"
        table = pa.Table.from_batches(self._pending, self.schema)
        # A dictionary of values that never repeat costs time and saves nothing.
        dictionary = [
            column
            for column in self.schema.names
            if column not in ("id", "embedding", "thumbnail", "other_pictures")
        ]
        path = self._staging / name
        with replacing(path) as temporary:
            pq.write_table(
                table, temporary, compression="zstd", use_dictionary=dictionary, write_page_checksum=True
            )
        self._shards.append(Shard(name, table.num_rows, path.stat().st_size))
        self._pending, self._pending_rows = [], 0


def _problem_text(listing: Listing) -> str | None:
    problem = listing.image_problem
    return f"{problem.reason.value}: {problem.message}" if problem else None
