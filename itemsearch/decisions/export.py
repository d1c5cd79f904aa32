"""Exports decisions as a table, for spreadsheets and programs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.decisions.pair_labels import PairLabel, is_valid
from itemsearch.decisions.remarks import Remarks, as_text

SCHEMA = pa.schema(
    {
        "id_a": pa.string(),
        "id_b": pa.string(),
        "same": pa.bool_(),
        "action": pa.string(),
        "group_id": pa.string(),
        "decided_at": pa.string(),
        "who": pa.string(),
        "drawn": pa.string(),
        "holds": pa.bool_(),
        "notes": pa.string(),
        "assigned": pa.string(),
    }
)
"""same: whether the two listings are one product. action: an `Action`. who: the person's
name, "" where it is not known. drawn: the tier that the group was
drawn from at random, "" where it was shown for another reason. holds: whether both listings still have the
content of the time of the decision. notes: on any of the two. assigned: the person to whom one of the two was
assigned last, "" for nobody."""


def decisions_table(labels: Sequence[PairLabel], hashes: Mapping[str, str], remarks: Remarks) -> pa.Table:
    """`SCHEMA`, a row a label; `hashes` has the content hashes of the listings in the index."""
    rows = [
        {
            "id_a": label.id_a,
            "id_b": label.id_b,
            "same": label.same,
            "action": label.action,
            "group_id": label.group_id,
            "decided_at": label.at,
            "who": label.who,
            "drawn": label.drawn,
            "holds": is_valid(label, hashes),
            "notes": as_text(remarks.notes_on((label.id_a, label.id_b))),
            "assigned": remarks.assignee((label.id_a, label.id_b)),
        }
        for label in labels
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def as_json(table: pa.Table) -> bytes:
    """The rows as a JSON array of objects, in an object that names the version of its form."""
    return json.dumps({"version": 1, "decisions": table.to_pylist()}, ensure_ascii=False).encode()


def as_parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()
