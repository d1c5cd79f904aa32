"""Explains the decision on a pair: its evidence, its thresholds and its strongest rival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.columns import read_texts, take_rows
from itemsearch.decisions.of_index import current_decisions
from itemsearch.decode import decode
from itemsearch.duplicates.pairs.candidates import DEFAULT_CANDIDATES
from itemsearch.duplicates.pairs.columns import CarriedColumns
from itemsearch.duplicates.pairs.decide import Thresholds, decide
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.join import JoinConfig, Joined
from itemsearch.duplicates.pairs.learn import learn
from itemsearch.duplicates.run_folder import PAIRS, index_of, read_run
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles, Rows
from itemsearch.probability.model import Model
from itemsearch.search.engine import Engine

_AS_IN_PAIRS = (
    "decision",
    "reason",
    "probability",
    "score",
    "joint",
    "title_similarity",
    "image_similarity",
    "same_image",
    "image_hash_distance",
    "same_identifier",
)


@dataclass(frozen=True, slots=True)
class Rival:
    """A third listing that is alike one of the two. of: the id of that one. probability: of these two."""

    id: str
    of: str
    title: str
    probability: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that the decision on a pair depends on.

    ids, titles: of the two listings, in the order of `pairs.parquet`. decision, reason and the evidence are
    as there; decision may be "different". compared: whether a run of `itemsearch duplicates` compares the
    pair. rival: the third listing that is most alike either of the two; None where no other pair passes.
    """

    ids: tuple[str, str]
    titles: tuple[str, str]
    decision: str
    reason: str
    probability: float
    score: float
    joint: float
    title_similarity: float | None
    image_similarity: float | None
    same_image: bool
    image_hash_distance: int | None
    same_identifier: str | None
    words_a: tuple[str, ...]
    words_b: tuple[str, ...]
    conflicts: tuple[str, ...]
    compared: bool
    rival: Rival | None
    thresholds: Thresholds


def explain(folder: Path, id_a: str, id_b: str) -> Explanation:
    """Explains the decision of a run on a pair; one that the run left out is decided by what the run learnt.

    Args:
        folder: of `itemsearch duplicates`.

    Raises:
        UnknownIdError: an id is not in the index.
        UsageError: one id twice, or no finished run in the folder.
    """
    if id_a == id_b:
        raise UsageError(f"{id_a!r} and itself: give the ids of two listings")
    run = _read(folder)
    engine = Engine.open(run.index)
    two = np.array([engine.row_of(id_a), engine.row_of(id_b)])
    two = two[np.argsort(engine.index.tie_rank[two])]
    neighbours = min(run.join.candidates.neighbours, engine.summary.rows)
    near = engine.index.search(engine.vectors[two], neighbours, exclude=two)[1]
    decided = _decided(engine, two, near, run, folder)
    ids = engine.listings["id"].take(pa.array(two)).to_pylist()
    (pair,) = [each for each in decided if [each["id_a"], each["id_b"]] == ids]
    lists: dict[str, Any] = {name: tuple(pair[name]) for name in ("words_a", "words_b", "conflicts")}
    return Explanation(
        ids=(ids[0], ids[1]),
        titles=(pair["title_a"], pair["title_b"]),
        **{name: pair[name] for name in _AS_IN_PAIRS},
        **lists,
        compared=_is_compared(engine, two, near, pair),
        rival=_rival(decided, ids),
        thresholds=run.thresholds,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run decided pairs by."""

    index: Path
    join: JoinConfig
    model: Model
    thresholds: Thresholds


def _read(folder: Path) -> _Run:
    try:
        run = read_run(folder)
        return _Run(
            index_of(folder, run),
            decode(JoinConfig, run["settings"]["join"]),
            decode(Model, run["model"]),
            decode(Thresholds, run["thresholds"]),
        )
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: not the folder of a run: itemsearch duplicates writes one") from error
    except (KeyError, ValueError) as error:
        raise UsageError(f"{folder}: {error}; run itemsearch duplicates again") from error


def _decided(engine: Engine, two: Rows, near: Rows, run: _Run, folder: Path) -> list[dict[str, Any]]:
    """The rows of the decided pairs of `two` (2,) with each other and with their neighbours `near` (2, K)."""
    rows = np.unique(np.concatenate([two, near[near >= 0]]))
    listings = take_rows(engine.listings, rows)
    columns = CarriedColumns.of(listings, run.join.identifiers, run.join.compared)
    evidence = PairEvidence.of(
        listings, engine.vectors[rows], engine.score_model, run.join.variant_rules, columns
    )
    places = np.searchsorted(rows, two)
    one = np.repeat(places, len(rows))
    other = np.tile(np.arange(len(rows)), 2)
    rank = engine.index.tie_rank[rows]
    a, b = np.where(rank[one] < rank[other], [one, other], [other, one])
    pairs = np.unique(np.stack([a, b], axis=1)[a != b], axis=0)
    measured = evidence.measure(pairs[:, 0], pairs[:, 1])
    every = np.arange(len(rows))
    learnt = learn(Joined(measured, evidence, every, every), bool(run.join.filter.other), run.model)
    described = evidence.describe(measured)
    probability = _as_published(described, learnt.probability, folder)
    described = described.append_column("probability", pa.array(probability, pa.float32()))
    decided = decide(described, run.thresholds, current_decisions(engine))
    titles = np.array(read_texts(listings, "title"), object)
    for side in ("a", "b"):
        decided = decided.append_column(f"title_{side}", pa.array(titles[decided[f"row_{side}"].to_numpy()]))
    rows_of_pairs: list[dict[str, Any]] = decided.to_pylist()
    return rows_of_pairs


def _as_published(described: pa.Table, probability: Doubles, folder: Path) -> Doubles:
    """(P,) the probabilities, those of the run where it published the pair: it knew every rival."""
    pairs = pq.read_table(folder / PAIRS, columns=["id_a", "id_b", "probability"])
    pairs = pairs.filter(pairs["probability"].is_valid())
    published = {(pair["id_a"], pair["id_b"]): pair["probability"] for pair in pairs.to_pylist()}
    ids = zip(described["id_a"].to_pylist(), described["id_b"].to_pylist(), strict=True)
    return np.array([published.get(pair, own) for pair, own in zip(ids, probability.tolist(), strict=True)])


def _rival(decided: list[dict[str, Any]], ids: list[str]) -> Rival | None:
    others = [pair for pair in decided if [pair["id_a"], pair["id_b"]] != ids and not pair["conflicts"]]
    if not others:
        return None
    best = max(others, key=lambda pair: float(pair["probability"]))
    own, other = ("a", "b") if best["id_a"] in ids else ("b", "a")
    return Rival(best[f"id_{other}"], best[f"id_{own}"], best[f"title_{other}"], best["probability"])


def _is_compared(engine: Engine, two: Rows, near: Rows, pair: Mapping[str, Any]) -> bool:
    """Whether one is a neighbour of the other, or they share an identifier, near image hashes or a vector."""
    one, other = engine.vectors[two]
    distance = pair["image_hash_distance"]
    near_pictures = distance is not None and distance <= DEFAULT_CANDIDATES.near_hash
    is_neighbour = bool((near == two[::-1, None]).any())
    return is_neighbour or near_pictures or bool(pair["same_identifier"]) or np.array_equal(one, other)
