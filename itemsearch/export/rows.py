"""Reads the rows of an index a batch at a time: id, columns and vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from itemsearch.columns import is_text_type, no_column
from itemsearch.errors import UsageError
from itemsearch.export.types import EMBEDDING
from itemsearch.search.engine import Engine
from itemsearch.search.text_readings import as_numbers


class ExportedRows:
    """The rows of an index, in its order. columns: id and those of the listings that are exported."""

    def __init__(self, engine: Engine, columns: pa.Table) -> None:
        self.engine = engine
        self.columns = columns
        vectors = pa.field(EMBEDDING, pa.list_(pa.float32(), engine.summary.dim), nullable=False)
        plain = [field.with_type(_plain(field.type)) for field in columns.schema]
        self.schema = pa.schema([*plain, vectors])

    @classmethod
    def of(cls, engine: Engine, names: Sequence[str], numbers: Sequence[str]) -> ExportedRows:
        """Chooses columns; without `names` all but those of bytes, which are pictures.

        Args:
            numbers: columns of text that are read as numbers, as `--where` reads them. They are read whole, 8
                bytes a row.

        Raises:
            UsageError: there is no such column, or a cell of a column of `numbers` is no number.
        """
        listings = engine.listings
        if missing := [name for name in (*names, *numbers) if name not in listings.column_names]:
            raise UsageError(no_column(listings.column_names, missing[0], purpose=" to export"))
        shown = [name for name in listings.column_names if not _is_bytes(listings.schema.field(name).type)]
        chosen = ["id", *(name for name in names or shown if name != "id")]
        chosen += [name for name in numbers if name not in chosen]
        columns = listings.select(chosen)
        for name in numbers:
            values = as_numbers(listings[name])
            if is_text_type(values.type):
                raise UsageError(f"--number {name}: not all of its values are plain numbers; it stays text")
            columns = columns.set_column(chosen.index(name), name, values)
        return cls(engine, columns)

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    def batches(self, rows: int, start: int = 0) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yields (first row, batch) of at most `rows` rows, from row `start` on; only one is in memory."""
        for first in range(start, len(self), rows):
            part = self.columns.slice(first, rows)
            vectors = np.ascontiguousarray(self.engine.vectors[first : first + rows], np.float32)
            flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            kinds = zip(part.column_names, self.schema.types, strict=False)
            arrays = [part[name].cast(kind).combine_chunks() for name, kind in kinds]
            yield first, pa.RecordBatch.from_arrays([*arrays, flat], schema=self.schema)


def vectors_of(batch: pa.RecordBatch) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(R, D) float32, the vectors of a batch."""
    embeddings = batch[EMBEDDING]
    flat = embeddings.flatten().to_numpy()
    return flat.reshape(len(embeddings), -1)  # type: ignore[no-any-return]


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that a column is exported in: views of bytes, as pictures are in an index, become bytes."""
    return pa.binary() if pa.types.is_binary_view(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )
