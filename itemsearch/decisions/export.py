"""Decisions as files for spreadsheets and programs."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.decisions.statements import Statement

SCHEMA = pa.schema(
    {
        "id_a": pa.string(),
        "id_b": pa.string(),
        "same": pa.bool_(),
        "decision": pa.string(),
        "group_id": pa.string(),
        "decided_at": pa.string(),
        "holds": pa.bool_(),
    }
)
"""holds: whether both products still are what they were when it was decided."""


def decisions_table(statements: list[Statement], hashes: Mapping[str, str]) -> pa.Table:
    """What stands, a row a pair; `hashes` has the content hashes of the listings that there are."""
    rows = [
        {
            "id_a": s.id_a,
            "id_b": s.id_b,
            "same": s.same,
            "decision": s.kind,
            "group_id": s.group_id,
            "decided_at": s.at,
            "holds": hashes.get(s.id_a) == s.hash_a and hashes.get(s.id_b) == s.hash_b,
        }
        for s in statements
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()
