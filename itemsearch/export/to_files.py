"""Writes files that other programs read: Parquet, or a plain FAISS index with its listings in Parquet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.errors import ExportError
from itemsearch.export.rows import vectors_of
from itemsearch.export.types import EMBEDDING, Stamp, engine_errors
from itemsearch.indexes.arrays import Floats, Vectors
from itemsearch.indexes.durable import replace_file, replacing
from itemsearch.indexes.storage.flat_file import FlatFile, nearest_in_flat_file

STAMP = "export.json"
PARTS = "part-*.parquet"
FLAT_INDEX = "index.faiss"
LISTINGS = "listings"
_ERRORS = (pa.ArrowException, OSError)


class ParquetTarget:
    """A folder of Parquet files, a batch each, that appear in one step: id, columns, and `embedding`."""

    batch_rows = 16_384

    def __init__(self, out: Path) -> None:
        self.out = out

    def stamp(self) -> Stamp | None:
        return read_stamp(self.out)

    def remove(self) -> None:
        for path in (*self._parts(), self.out / STAMP):
            path.unlink(missing_ok=True)

    def create(self, stamp: Stamp, schema: pa.Schema) -> None:
        write_stamp(self.out, stamp)

    def held(self) -> int:
        for left in self.out.glob("*.partial"):
            left.unlink()
        return self.count()

    def write(self, batch: pa.RecordBatch, start: int) -> None:
        path = self.out / f"part-{start // self.batch_rows:06d}.parquet"
        with engine_errors(str(path), _ERRORS), replacing(path) as temporary:
            pq.write_table(
                pa.Table.from_batches([batch]), temporary, compression="zstd", write_page_checksum=True
            )

    def finish(self) -> None:
        """Nothing is left to do: every file is whole."""

    def count(self) -> int:
        with engine_errors(str(self.out), _ERRORS):
            return sum(pq.read_metadata(path).num_rows for path in self._parts())

    def nearest(self, queries: Vectors, k: int) -> list[list[str]]:
        scores = np.full((len(queries), 0), 0, np.float32)
        ids = np.full((len(queries), 0), "", object)
        for path in self._parts():
            with engine_errors(str(path), _ERRORS):
                batches = pq.read_table(path, columns=["id", EMBEDDING]).combine_chunks().to_batches()
            for batch in batches:
                scores, ids = _best(scores, ids, queries @ vectors_of(batch).T, batch["id"], k)
        return [[str(id) for id in each] for each in ids]

    def close(self) -> None:
        """Nothing is open."""

    def _parts(self) -> list[Path]:
        return sorted(self.out.glob(PARTS))


class FaissTarget:
    """A plain FAISS index, whose id n is row n of `listings/`: Parquet files of the other columns.

    Vectors are written before their listings, so that those of the listings that are there are there too.
    """

    batch_rows = ParquetTarget.batch_rows

    def __init__(self, out: Path) -> None:
        self.out = out
        self.listings = ParquetTarget(out / LISTINGS)
        self._file: FlatFile | None = None

    def stamp(self) -> Stamp | None:
        return read_stamp(self.out)

    def remove(self) -> None:
        shutil.rmtree(self.out / LISTINGS, ignore_errors=True)
        for path in (self.out / FLAT_INDEX, self._unfinished, self.out / STAMP):
            path.unlink(missing_ok=True)

    def create(self, stamp: Stamp, schema: pa.Schema) -> None:
        (self.out / LISTINGS).mkdir(exist_ok=True)
        write_stamp(self.out, stamp)

    def held(self) -> int:
        held = self.listings.held()
        if not (self.out / FLAT_INDEX).exists():
            stamp = self.stamp()
            assert stamp is not None, "it was made"
            self._file = FlatFile.open(self._unfinished, stamp.rows, stamp.dim)
            held = min(held, self._file.keep(held) // self.batch_rows * self.batch_rows)
        return held

    def write(self, batch: pa.RecordBatch, start: int) -> None:
        assert self._file is not None, "an index that is whole has all rows"
        self._file.append(vectors_of(batch))
        self.listings.write(batch.drop_columns([EMBEDDING]), start)

    def finish(self) -> None:
        if self._file is not None:
            self._file.finish(self.out / FLAT_INDEX)
            self._file = None

    def count(self) -> int:
        return self.listings.count()

    def nearest(self, queries: Vectors, k: int) -> list[list[str]]:
        rows = nearest_in_flat_file(self.out / FLAT_INDEX, queries, k)
        with engine_errors(str(self.out / LISTINGS), _ERRORS):
            ids = pq.read_table(self.out / LISTINGS, columns=["id"])["id"]
        return [ids.take(pa.array(each)).to_pylist() for each in rows]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def _unfinished(self) -> Path:
        return self.out / f"{FLAT_INDEX}.unfinished"


def read_stamp(out: Path) -> Stamp | None:
    """What the files of a folder are an export of; None for an empty folder.

    Raises:
        ExportError: there are other files.
    """
    try:
        stamp = Stamp.from_json(json.loads((out / STAMP).read_bytes()))
    except FileNotFoundError:
        if any(path.suffix != ".partial" for path in out.iterdir()):
            raise ExportError(f"{out}: holds other files; give a folder that is empty or new") from None
        return None
    except (OSError, ValueError) as error:
        raise ExportError(f"{out / STAMP}: damaged ({error}); remove the folder and export again") from error
    if stamp is None:
        raise ExportError(f"{out / STAMP}: of another version of itemsearch; give another --out")
    return stamp


def write_stamp(out: Path, stamp: Stamp) -> None:
    with engine_errors(str(out), _ERRORS):
        replace_file(out / STAMP, json.dumps(stamp.to_json(), indent=1, ensure_ascii=False).encode())


def _best(
    scores: Floats, ids: np.ndarray, new_scores: Floats, new_ids: pa.Array, k: int
) -> tuple[Floats, np.ndarray]:
    """(Q, k) scores and ids of the best of those so far and of the new ones, best first."""
    repeated = np.broadcast_to(new_ids.to_numpy(zero_copy_only=False).astype(object), new_scores.shape)
    all_scores, all_ids = (
        np.concatenate([scores, new_scores], axis=1),
        np.concatenate([ids, repeated], axis=1),
    )
    best = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(all_scores, best, axis=1), np.take_along_axis(all_ids, best, axis=1)
