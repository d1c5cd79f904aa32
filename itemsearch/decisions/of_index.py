"""Applies the decisions of people to an open index: those that hold, and labels to calibrate on."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.pair_labels import PairLabel, valid_labels

if TYPE_CHECKING:
    from itemsearch.search.engine import Engine


def current_labels(engine: Engine) -> list[PairLabel]:
    """The labels that stand, of listings that are in the index with unchanged content."""
    return list(current_decisions(engine).labels.values())


def current_decisions(engine: Engine) -> Decided:
    """What people decided on listings that are in the index with unchanged content."""
    log = DecisionLog.of_index(engine.folder)
    labels, keepers = log.labels(), log.keepers()
    ids = {id for label in labels for id in (label.id_a, label.id_b)} | {choice.id for choice in keepers}
    if not ids:
        return NOBODY
    hashes = content_hashes(engine, ids)
    valid_keepers = [choice for choice in keepers if hashes.get(choice.id) == choice.content_hash]
    return Decided.of(valid_labels(labels, hashes), valid_keepers)


def labels_of_people(engine: Engine) -> pa.Table:
    """The current labels of pairs that people looked at as a table: id_a, id_b string, same bool, and drawn
    bool, whether their group was drawn at random."""
    schema = pa.schema({"id_a": pa.string(), "id_b": pa.string(), "same": pa.bool_(), "drawn": pa.bool_()})
    rows = [
        {"id_a": label.id_a, "id_b": label.id_b, "same": label.same, "drawn": bool(label.drawn)}
        for label in current_labels(engine)
        if label.looked_at
    ]
    return pa.Table.from_pylist(rows, schema)


def content_hashes(engine: Engine, ids: Collection[str]) -> dict[str, str]:
    """Id to content hash, of those of `ids` that the index holds; "" in an index of external embeddings."""
    listings = engine.listings
    rows = pc.index_in(pa.array(list(ids), pa.string()), listings["id"]).drop_null()
    present_ids = listings["id"].take(rows).to_pylist()
    if "content_hash" not in listings.column_names:
        return dict.fromkeys(present_ids, "")
    return dict(zip(present_ids, listings["content_hash"].take(rows).to_pylist(), strict=True))
