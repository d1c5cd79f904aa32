"""Applies the decisions of people to an open index: those that hold, and labels to calibrate on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.pair_labels import PairLabel, is_valid

if TYPE_CHECKING:
    from itemsearch.search.engine import Engine

FEW = 1000
"""Up to so many ids are looked up one by one, 30 microseconds each; more by a table of all ids of the index,
which takes half a second to make for a million."""


def current_labels(engine: Engine) -> list[PairLabel]:
    """The labels that stand, of listings that are in the index with unchanged content."""
    return list(current_decisions(engine).labels.values())


def current_decisions(engine: Engine) -> Decided:
    """What people decided on listings that are in the index with unchanged content."""
    return CurrentDecisions(engine).read()[1]


class CurrentDecisions:
    """What people decided on an open index's listings, read again after each decision; threads may share it.

    Only what changed since the last reading is read, so that the ten-thousandth decision takes no longer than
    the first. log: of the index's decisions.
    """

    def __init__(self, engine: Engine) -> None:
        self.log = DecisionLog.of_index(engine.folder)
        self._engine = engine
        self._hashes: dict[str, str] = {}
        self._labels: dict[tuple[str, str], PairLabel] = {}
        self._read = (0, NOBODY)
        self._reading = Lock()

    def read(self) -> tuple[int, Decided]:
        """The number of the last event, and what people decided up to it."""
        with self._reading:
            last = self.log.last_change()
            if last != self._read[0]:
                self._read = last, self._decided(self._read[0])
            return self._read

    def content_hashes(self, ids: Collection[str]) -> dict[str, str]:
        """As `content_hashes`; each id is looked up once."""
        self._hashes.update(content_hashes(self._engine, [id for id in ids if id not in self._hashes]))
        return {id: self._hashes[id] for id in ids if id in self._hashes}

    def _decided(self, since: int) -> Decided:
        for pair, label in self.log.changed_labels(since).items():
            self._labels.pop(pair, None)
            if label and is_valid(label, self.content_hashes(pair)):
                self._labels[pair] = label
        keepers = self.log.keepers()
        hashes = self.content_hashes([choice.id for choice in keepers])
        valid_keepers = [choice for choice in keepers if hashes.get(choice.id) == choice.content_hash]
        return Decided.of(list(self._labels.values()), valid_keepers)


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
    listings, rows = engine.listings, _rows_of(engine, list(ids))
    present_ids = listings["id"].take(rows).to_pylist()
    if "content_hash" not in listings.column_names:
        return dict.fromkeys(present_ids, "")
    return dict(zip(present_ids, listings["content_hash"].take(rows).to_pylist(), strict=True))


def _rows_of(engine: Engine, ids: Sequence[str]) -> pa.Array:
    """The rows of those of `ids` that the index holds."""
    if len(ids) > FEW:
        return pc.index_in(pa.array(ids, pa.string()), engine.listings["id"]).drop_null()
    rows = (engine.find_row(id) for id in ids)
    return pa.array([row for row in rows if row is not None], pa.int64())
