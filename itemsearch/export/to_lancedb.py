"""Writes to a LanceDB table in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from itemsearch.errors import ExportError
from itemsearch.export.types import EMBEDDING, Stamp, engine_errors
from itemsearch.indexes.arrays import Vectors

STAMP = "itemsearch"
"""The key of the stamp in the metadata of the table's schema."""
_ERRORS = (RuntimeError, ValueError, OSError)


class LanceTarget:
    """A table of a LanceDB database. Each batch is added in one step, so none is there in part.

    A name of a column with a dot has an underscore instead: LanceDB takes the dot for a field of a struct.
    """

    batch_rows = 16_384

    def __init__(self, database: Any, name: str, where: str) -> None:
        self.database = database
        self.name = name
        self.where = where
        self._table: Any = None

    @classmethod
    def open(cls, out: Path, name: str) -> LanceTarget:
        with engine_errors(str(out), _ERRORS):
            return cls(lancedb.connect(str(out)), name, str(out))

    def stamp(self) -> Stamp | None:
        with engine_errors(self.where, _ERRORS):
            if self.name not in self._names():
                return None
            self._table = self.database.open_table(self.name)
            metadata = self._table.schema.metadata or {}
        stamp = Stamp.from_json(json.loads(metadata.get(STAMP.encode(), b"null")))
        if stamp is None:
            raise ExportError(
                f"{self.where}: table {self.name!r} is no export of itemsearch; give another --name"
            )
        return stamp

    def remove(self) -> None:
        with engine_errors(self.where, _ERRORS):
            self.database.drop_table(self.name)

    def create(self, stamp: Stamp, schema: pa.Schema) -> None:
        names = [field.name.replace(".", "_") for field in schema]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ExportError(
                f"{self.where}: two columns would be {twice[0]!r} in LanceDB; choose with --column"
            )
        fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
        described = pa.schema(fields, metadata={STAMP: json.dumps(stamp.to_json())})
        with engine_errors(self.where, _ERRORS):
            self._table = self.database.create_table(self.name, schema=described)

    def held(self) -> int:
        return self.count()

    def write(self, batch: pa.RecordBatch, start: int) -> None:
        with engine_errors(self.where, _ERRORS):
            named = pa.RecordBatch.from_arrays(batch.columns, schema=self._table.schema)
            self._table.add(named)

    def finish(self) -> None:
        """Joins the small files of the batches."""
        with engine_errors(self.where, _ERRORS):
            self._table.optimize()

    def count(self) -> int:
        with engine_errors(self.where, _ERRORS):
            return int(self._table.count_rows())

    def nearest(self, queries: Vectors, k: int) -> list[list[str]]:
        return [self._nearest(query, k) for query in queries]

    def close(self) -> None:
        self._table = None

    def _nearest(self, query: Vectors, k: int) -> list[str]:
        with engine_errors(self.where, _ERRORS):
            search = self._table.search(query, vector_column_name=EMBEDDING).distance_type("dot")
            found = search.bypass_vector_index().limit(k).select(["id", "_distance"]).to_arrow()
        ids: list[str] = found["id"].to_pylist()
        return ids

    def _names(self) -> list[str]:
        names: list[str] = []
        token = None
        while True:
            page = self.database.list_tables(page_token=token)
            names += page.tables
            token = page.page_token
            if not token:
                return names
