"""Finds rows that an earlier run embedded: rows of the store, and of a run that was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.store.manifest import ModelStamp
from itemsearch.store.schema import MODEL_NAME, SHARDS, STAGING, StoredPictures, store_schema

COLUMNS = ["content_hash", "embedding", "thumbnail", "other_pictures"]
CACHED_SHARDS = 4


class EarlierRows:
    """Embedded rows by the hash of their title and pictures, whatever their id. If the order of the catalog
    has hardly changed, each shard is read once.

    places: content hash to the number of the shard and the row within it. damaged: shards that cannot be
    read, whose rows are embedded again.
    """

    def __init__(
        self, shards: Sequence[Path], places: Mapping[str, tuple[int, int]], damaged: Sequence[Path]
    ) -> None:
        self.shards = shards
        self.places = places
        self.damaged = damaged
        self._read = lru_cache(CACHED_SHARDS)(self._read_shard)

    @classmethod
    def find(cls, store: Path, model: ModelStamp, dim: int, dtype: str) -> Self:
        """Finds every shard in the folder of a store whose embeddings come from `model`, `dim`, `dtype`
        alike.

        All pages are read once and their checksums verified, so that damage is known before rows are taken.
        """
        shards: list[Path] = []
        damaged: list[Path] = []
        places: dict[str, tuple[int, int]] = {}
        wanted = store_schema(pa.schema([]), dim, dtype, model)
        for path in _shards_in(store):
            try:
                if _origin(pq.read_schema(path)) != _origin(wanted):
                    continue
                table = _read(path)
            except (pa.ArrowException, OSError):
                damaged.append(path)
                continue
            hashes = table["content_hash"].to_pylist()
            places |= {digest: (len(shards), row) for row, digest in enumerate(hashes)}
            shards.append(path)
        return cls(shards, places, damaged)

    def holds(self, content_hash: str) -> bool:
        """Whether a row was embedded from this title and these pictures."""
        return content_hash in self.places

    def take(self, hashes: Sequence[str]) -> tuple[npt.NDArray[Any], StoredPictures]:
        """The (N, D) embeddings and the pictures of N >= 1 content hashes for which `holds` is true."""
        embeddings, pictures = [], StoredPictures([], [])
        for content_hash in hashes:
            shard, row = self.places[content_hash]
            shard_embeddings, table = self._read(shard)
            embeddings.append(shard_embeddings[row])
            pictures.thumbnails.append(table["thumbnail"][row].as_py())
            others = table["other_pictures"][row].as_py() if "other_pictures" in table.column_names else None
            pictures.others.append(others)
        return np.stack(embeddings), pictures

    def _read_shard(self, shard: int) -> tuple[npt.NDArray[Any], pa.Table]:
        table = _read(self.shards[shard])
        embeddings = table["embedding"].combine_chunks()
        flat = embeddings.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(embeddings), -1), table  # (N * D,) -> (N, D)


def _shards_in(store: Path) -> list[Path]:
    """The shards in the folder of a store: its own, those of a refused one and those of a stopped run."""
    return sorted((store / "data").glob(SHARDS)) + sorted((store / STAGING).glob(SHARDS))


def _origin(schema: pa.Schema) -> tuple[object, ...]:
    """The metadata and type of comparable embeddings, which have to agree; the name of the model may
    differ."""
    metadata = {name: value for name, value in (schema.metadata or {}).items() if name != MODEL_NAME}
    return metadata, schema.field("embedding").type


def _read(path: Path) -> pa.Table:
    """The `COLUMNS` that a shard has: an earlier version sketched no other pictures, and read none."""
    present = [name for name in COLUMNS if name in pq.read_schema(path).names]
    return pq.read_table(path, columns=present, page_checksum_verification=True)
