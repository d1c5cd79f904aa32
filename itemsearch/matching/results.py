"""The answers of matching: a `Match` for each row of a feed, and the columns of `matches.parquet`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

import pyarrow as pa


class Answer(StrEnum):
    """What a row of a feed is. `matches.parquet` stores the value."""

    MATCH = "match"  # a listing of the index is the same product, without a person
    REVIEW = "review"  # possibly: a person decides
    NEW = "new"  # no listing of the index is the same product


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listing of the index that a row may be, and how sure it is that they are one product."""

    id: str
    probability: float


@dataclass(frozen=True, slots=True)
class Match:
    """The answer for one row.

    query_id: the row's. decision: an `Answer`. id: the listing that it matches, or may match; None where it
    is new. probability: that of the best candidate, 0 without any. reason: one sentence. candidates: by
    falling probability. same_in_feed: another row of the feed that is the same product; None for none.
    """

    query_id: str
    decision: Answer
    id: str | None
    probability: float
    reason: str
    candidates: tuple[Candidate, ...]
    same_in_feed: str | None


MATCHES_SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "decision": pa.string(),
        "id": pa.string(),
        "probability": pa.float32(),
        "reason": pa.string(),
        "candidates": pa.list_(pa.struct({"id": pa.string(), "probability": pa.float32()})),
        "same_in_feed": pa.string(),
    }
)
"""The columns of a file of matches, a row for each row of the feed that could be read, in its order; as in
`Match`."""


def matches_table(matches: list[Match]) -> pa.Table:
    """The matches as `MATCHES_SCHEMA`."""
    return pa.Table.from_pylist([asdict(match) for match in matches], MATCHES_SCHEMA)
