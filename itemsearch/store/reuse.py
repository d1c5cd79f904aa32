"""Rows that an earlier run embedded already: of the store as it stands, or of a run that was stopped."""

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
from itemsearch.store.schema import MODEL_NAME, SHARDS, STAGING, store_schema

COLUMNS = ["id", "content_hash", "embedding", "thumbnail"]
CACHED_SHARDS = 4


class EarlierRows:
    """Embedded rows by id. A catalog in much the order of the last one reads each shard once.

    places: of each id its content hash, and the shard and row that hold it. damaged: shards that cannot
    be read, so that their rows are embedded again.
    """

    def __init__(
        self, shards: Sequence[Path], places: Mapping[str, tuple[str, int, int]], damaged: Sequence[Path]
    ) -> None:
        self.shards = shards
        self.places = places
        self.damaged = damaged
        self._read = lru_cache(CACHED_SHARDS)(self._read_shard)

    @classmethod
    def find(cls, store: Path, model: ModelStamp, dim: int, dtype: str) -> Self:
        """Every shard in the folder of a store whose embeddings `model` made, in its present precision.

        All pages are read once and checked, so that damage is known before anything depends on them.
        """
        shards: list[Path] = []
        damaged: list[Path] = []
        places: dict[str, tuple[str, int, int]] = {}
        wanted = store_schema(pa.schema([]), dim, dtype, model)
        for folder in (store / "data", store / STAGING):
            for path in sorted(folder.glob(SHARDS)):
                try:
                    if _makes(pq.read_schema(path)) != _makes(wanted):
                        continue
                    held = _read(path)
                except (pa.ArrowException, OSError):
                    damaged.append(path)
                    continue
                named = zip(held["id"].to_pylist(), held["content_hash"].to_pylist(), strict=True)
                places |= {id: (digest, len(shards), row) for row, (id, digest) in enumerate(named)}
                shards.append(path)
        return cls(shards, places, damaged)

    def holds(self, id: str, content_hash: str) -> bool:
        """Whether a row of this id was embedded, from the very same title and picture."""
        place = self.places.get(id)
        return place is not None and place[0] == content_hash

    def take(self, ids: Sequence[str]) -> tuple[npt.NDArray[Any], list[bytes | None]]:
        """The (N, D) embeddings and the thumbnails of rows that `holds` said yes to; N is 1 or more."""
        embeddings, thumbnails = [], []
        for id in ids:
            _, shard, row = self.places[id]
            vectors, pictures = self._read(shard)
            embeddings.append(vectors[row])
            thumbnails.append(pictures[row].as_py())
        return np.stack(embeddings), thumbnails

    def _read_shard(self, shard: int) -> tuple[npt.NDArray[Any], pa.ChunkedArray]:
        held = _read(self.shards[shard])
        vectors = held["embedding"].combine_chunks()
        flat = vectors.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(vectors), -1), held["thumbnail"]  # (N * D,) -> (N, D)


def _makes(schema: pa.Schema) -> tuple[object, ...]:
    """What has to agree for embeddings to be comparable; the model may go by another name."""
    said = {name: value for name, value in (schema.metadata or {}).items() if name != MODEL_NAME}
    return said, schema.field("embedding").type


def _read(path: Path) -> pa.Table:
    return pq.read_table(path, columns=COLUMNS, page_checksum_verification=True)
