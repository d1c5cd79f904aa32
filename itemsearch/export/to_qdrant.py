"""Writes to a Qdrant collection: of a server, or of the client's local form in a folder."""

from __future__ import annotations

import math
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from itemsearch.errors import ExportError
from itemsearch.export.config import ExportConfig
from itemsearch.export.rows import vectors_of
from itemsearch.export.types import EMBEDDING, Stamp, engine_errors
from itemsearch.indexes.arrays import Vectors

STAMP = "itemsearch"
"""The key of the stamp in the metadata of the collection."""
NAMESPACE = uuid.UUID("5b0c1c5e-7d0a-5f0e-9d43-6a1f1c2f8b11")
"""A point's id is the UUID (version 5) of the listing's id in this namespace: Qdrant has no text ids."""
TIMEOUT_SECONDS = 60
_ERRORS = (ApiException, RuntimeError, ValueError, OSError)


class QdrantTarget:
    """A collection, whose points have the columns as payload. A point that is written again is replaced."""

    batch_rows = 256

    def __init__(self, client: QdrantClient, name: str, where: str) -> None:
        self.client = client
        self.name = name
        self.where = where

    @classmethod
    def open(cls, config: ExportConfig) -> QdrantTarget:
        with _qdrant(config.where):
            if config.out is not None:
                client = QdrantClient(path=str(config.out))
            else:
                client = QdrantClient(
                    url=config.url,
                    api_key=config.key or None,
                    timeout=TIMEOUT_SECONDS,
                    check_compatibility=False,  # asks in a thread of its own, which may outlive an error
                )
        return cls(client, config.name, config.where)

    def stamp(self) -> Stamp | None:
        with _qdrant(self.where):
            if not self.client.collection_exists(self.name):
                return None
            metadata = self.client.get_collection(self.name).config.metadata or {}
        stamp = Stamp.from_json(metadata.get(STAMP))
        if stamp is None:
            raise ExportError(
                f"{self.where}: collection {self.name!r} is no export of itemsearch; give another --name"
            )
        return stamp

    def remove(self) -> None:
        with _qdrant(self.where):
            self.client.delete_collection(self.name)

    def create(self, stamp: Stamp, schema: pa.Schema) -> None:
        for field in schema:
            if field.name != EMBEDDING and not _fits(field.type):
                raise ExportError(
                    f"{self.where}: Qdrant cannot hold column {field.name!r} ({field.type}); "
                    "choose others with --column"
                )
        vectors = models.VectorParams(size=stamp.dim, distance=models.Distance.DOT)
        with _qdrant(self.where):
            self.client.create_collection(
                self.name, vectors_config=vectors, metadata={STAMP: stamp.to_json()}
            )

    def held(self) -> int:
        """Batches come in order, so only the last one may be there in part."""
        stamp, count = self.stamp(), self.count()
        whole = stamp is not None and count == stamp.rows
        return count if whole else count // self.batch_rows * self.batch_rows

    def write(self, batch: pa.RecordBatch, start: int) -> None:
        payloads = [_payload(row) for row in batch.drop_columns([EMBEDDING]).to_pylist()]
        points = models.Batch(
            ids=[str(uuid.uuid5(NAMESPACE, payload["id"])) for payload in payloads],
            vectors=vectors_of(batch).tolist(),
            payloads=payloads,
        )
        with _qdrant(self.where):
            self.client.upsert(self.name, points, wait=True)

    def finish(self) -> None:
        """Nothing is left to do: a server builds its own index meanwhile."""

    def count(self) -> int:
        with _qdrant(self.where):
            return int(self.client.count(self.name, exact=True).count)

    def nearest(self, queries: Vectors, k: int) -> list[list[str]]:
        exactly = models.SearchParams(exact=True)
        asked = [
            models.QueryRequest(query=query.tolist(), limit=k, with_payload=["id"], params=exactly)
            for query in queries
        ]
        with _qdrant(self.where):
            answers = self.client.query_batch_points(self.name, asked)
        return [[str((point.payload or {})["id"]) for point in answer.points] for answer in answers]

    def close(self) -> None:
        self.client.close()


@contextmanager
def _qdrant(where: str) -> Iterator[None]:
    """Calls the client: its errors in one line, and without its advice to use a server."""
    with warnings.catch_warnings(), engine_errors(where, _ERRORS):
        warnings.filterwarnings("ignore", module="qdrant_client")
        warnings.filterwarnings("ignore", message=".*[Ll]ocal mode.*")
        yield


def _fits(kind: pa.DataType) -> bool:
    """Whether a payload, which is JSON, can have values of an Arrow type."""
    if pa.types.is_dictionary(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _fits(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_fits(kind.field(place).type) for place in range(kind.num_fields))
    is_bytes = (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )
    return not is_bytes


def _payload(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON; a missing value and NaN have no key."""
    plain = {name: _plain(value) for name, value in row.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
