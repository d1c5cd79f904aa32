"""Finds the pairs that people decided: among those that a join compared, and those that it did not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import Decided
from itemsearch.duplicates.pairs.join import Joined
from itemsearch.indexes.arrays import Mask


def decided_among(joined: Joined, decided: Decided) -> tuple[Mask, Mask]:
    """(P,) the compared pairs that people decided to be one product; (P,) those that they decided at all."""
    ids = joined.evidence.listings["id"]
    same, known = np.zeros((2, joined.pairs.num_rows), bool)
    labelled = np.zeros(len(ids), bool)
    labelled[_rows_of(_labelled_ids(decided), ids)] = True
    row_a, row_b = (joined.pairs[name].to_numpy() for name in ("row_a", "row_b"))
    places = np.flatnonzero(labelled[row_a] & labelled[row_b])
    sides = (ids.take(pa.array(rows[places])).to_pylist() for rows in (row_a, row_b))
    for place, a, b in zip(places.tolist(), *sides, strict=True):
        answer = decided.same(a, b)
        same[place], known[place] = answer is True, answer is not None
    return same, known


def confirmed_beside(kept: pa.Table, joined: Joined, decided: Decided, allowed: Mask) -> pa.Table:
    """`ROWS_SCHEMA`, `EVIDENCE_SCHEMA` and a probability of null, of the pairs that people decided to be one
    product and that are not among `kept`.

    Args:
        kept: id_a and id_b, at least. allowed: (N,) the listings of which a pair has both.
    """
    labelled = _labelled_ids(decided)
    near = kept.filter(pc.and_(pc.is_in(kept["id_a"], labelled), pc.is_in(kept["id_b"], labelled)))
    there = set(zip(near["id_a"].to_pylist(), near["id_b"].to_pylist(), strict=True))
    missing = [pair for pair, label in decided.labels.items() if decided.same(*pair) and pair not in there]
    ids = joined.evidence.listings["id"]
    sides = [pc.index_in(pa.array([pair[side] for pair in missing], pa.string()), ids) for side in (0, 1)]
    rows = np.stack([pc.fill_null(side, -1).to_numpy() for side in sides]).astype(np.int64)
    a, b = rows[:, (rows >= 0).all(axis=0) & allowed[rows].all(axis=0)]
    described = joined.evidence.describe(joined.evidence.measure(a, b))
    return described.append_column("probability", pa.nulls(len(a), pa.float32()))


def _labelled_ids(decided: Decided) -> pa.Array:
    return pa.array(sorted({id for pair in decided.labels for id in pair}), pa.string())


def _rows_of(wanted: pa.Array, ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    rows: npt.NDArray[np.int64] = pc.index_in(wanted, ids).drop_null().to_numpy().astype(np.int64)
    return rows
