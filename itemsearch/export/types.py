"""What travels between the steps of an export, and what each target has to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import pyarrow as pa

from itemsearch.errors import ExportError
from itemsearch.indexes.arrays import Vectors

EMBEDDING = "embedding"
"""The column of the vectors, beside `id` and the columns of the listings."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an export is of; kept in the target, so that only the same export is resumed.

    index: the SHA-256 of the version's manifest, which has the hash of each of its files. model, fingerprint:
    of what made the vectors; "" for external embeddings.
    """

    index: str
    version: int
    rows: int
    dim: int
    columns: Mapping[str, str]
    model: str
    fingerprint: str
    metric: str = "inner product of vectors of length 1: the cosine"
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Any) -> Self | None:
        """The stamp of a target; None where it was not written by an export of this format."""
        try:
            return cls(**fields) if fields["format"] == FORMAT else None
        except (TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The outcome of an export.

    rows: of the target. written: of them, by this run. columns: exported, with their Arrow types. seconds: of
    writing, and of verifying. queries: how many were verified; all of them, or the export fails.
    """

    target: str
    where: str
    name: str
    version: int
    rows: int
    written: int
    dim: int
    columns: Mapping[str, str]
    seconds: Mapping[str, float]
    queries: int
    neighbours: int


class Target(Protocol):
    """Where rows are written. Batches come in order and are whole; a batch that was interrupted comes again.

    batch_rows: the rows of a batch. Every method may raise an ExportError.
    """

    batch_rows: int

    def stamp(self) -> Stamp | None:
        """What the target is an export of; None where there is nothing of this name."""

    def remove(self) -> None:
        """Removes what an earlier export wrote."""

    def create(self, stamp: Stamp, schema: pa.Schema) -> None:
        """Makes the target, without rows."""

    def held(self) -> int:
        """Rows that are there for certain: the first so many rows of the export."""

    def write(self, batch: pa.RecordBatch, start: int) -> None:
        """Writes rows from number `start` on; those that are there already are replaced, not doubled."""

    def finish(self) -> None:
        """Makes the target ready for queries."""

    def count(self) -> int:
        """The rows that the target has."""

    def nearest(self, queries: Vectors, k: int) -> list[list[str]]:
        """The ids of the k rows of the largest inner product with each query, exactly, best first."""

    def close(self) -> None:
        """Frees the target."""


@contextmanager
def engine_errors(where: str, kinds: Sequence[type[Exception]]) -> Iterator[None]:
    """Turns an engine's exceptions into an ExportError of one line."""
    try:
        yield
    except tuple(kinds) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ExportError(f"{where}: {lines[0][:300]}") from error
