"""Explains the decision on a pair: its evidence, its thresholds and its strongest rival."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.decisions.of_index import rejected_pairs
from itemsearch.duplicates.pairs.candidates import DEFAULT_CANDIDATES
from itemsearch.duplicates.pairs.decide import decide, may_pass
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.variants import VariantRules
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.engine import Engine

_AS_IN_PAIRS = (
    "decision",
    "reason",
    "score",
    "joint",
    "title_similarity",
    "image_similarity",
    "same_image",
    "image_hash_distance",
)


@dataclass(frozen=True, slots=True)
class Rival:
    """A third listing that is alike one of the two. of: the id of that one. score: of the two together."""

    id: str
    of: str
    title: str
    score: float


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
    score: float
    joint: float
    title_similarity: float | None
    image_similarity: float | None
    same_image: bool
    image_hash_distance: int | None
    words_a: tuple[str, ...]
    words_b: tuple[str, ...]
    conflicts: tuple[str, ...]
    compared: bool
    rival: Rival | None
    thresholds: Thresholds


def explain(
    engine: Engine, id_a: str, id_b: str, thresholds: Thresholds, variant_rules: VariantRules
) -> Explanation:
    """Decides a pair as a run does, among the nearest listings of both.

    Raises:
        UnknownIdError: an id is not in the index.
        UsageError: one id twice, or variant rules that do not fit the listings.
    """
    if id_a == id_b:
        raise UsageError(f"{id_a!r} and itself: give the ids of two listings")
    index = engine.index
    two = np.array([engine.row_of(id_a), engine.row_of(id_b)])
    two = two[np.argsort(index.tie_rank[two])]
    near = index.search(
        index.vectors[two], min(DEFAULT_CANDIDATES.neighbours, engine.summary.rows), exclude=two
    )[1]
    decided = _decided(engine, two, near, thresholds, variant_rules)
    ids = engine.listings["id"].take(pa.array(two)).to_pylist()
    (pair,) = [each for each in decided if [each["id_a"], each["id_b"]] == ids]
    lists: dict[str, Any] = {name: tuple(pair[name]) for name in ("words_a", "words_b", "conflicts")}
    return Explanation(
        ids=(ids[0], ids[1]),
        titles=(pair["title_a"], pair["title_b"]),
        **{name: pair[name] for name in _AS_IN_PAIRS},
        **lists,
        compared=_is_compared(engine, two, near, pair["image_hash_distance"]),
        rival=_rival(decided, ids),
        thresholds=thresholds,
    )


def _decided(
    engine: Engine, two: Rows, near: Rows, thresholds: Thresholds, variant_rules: VariantRules
) -> list[dict[str, Any]]:
    """The rows of the decided pairs of `two` (2,) with each other and with their neighbours `near` (2, K)."""
    rows = np.unique(np.concatenate([two, near[near >= 0]]))
    listings = engine.listings.take(pa.array(rows))
    evidence = PairEvidence.of(listings, engine.vectors[rows], engine.score_model, variant_rules)
    places = np.searchsorted(rows, two)
    one = np.repeat(places, len(rows))
    other = np.tile(np.arange(len(rows)), 2)
    rank = engine.index.tie_rank[rows]
    a, b = np.where(rank[one] < rank[other], [one, other], [other, one])
    pairs = np.unique(np.stack([a, b], axis=1)[a != b], axis=0)
    measured = evidence.measure(pairs[:, 0], pairs[:, 1])
    kept = may_pass(measured, thresholds) | (pairs == places).all(axis=1)
    decided = decide(evidence.describe(measured.filter(pa.array(kept))), thresholds, rejected_pairs(engine))
    titles = np.array(read_texts(listings, "title"), object)
    for side in ("a", "b"):
        decided = decided.append_column(f"title_{side}", pa.array(titles[decided[f"row_{side}"].to_numpy()]))
    rows_of_pairs: list[dict[str, Any]] = decided.to_pylist()
    return rows_of_pairs


def _rival(decided: list[dict[str, Any]], ids: list[str]) -> Rival | None:
    others = [pair for pair in decided if [pair["id_a"], pair["id_b"]] != ids and not pair["conflicts"]]
    if not others:
        return None
    best = max(others, key=lambda pair: float(pair["score"]))
    own, other = ("a", "b") if best["id_a"] in ids else ("b", "a")
    return Rival(best[f"id_{other}"], best[f"id_{own}"], best[f"title_{other}"], best["score"])


def _is_compared(engine: Engine, two: Rows, near: Rows, image_hash_distance: int | None) -> bool:
    """Whether one is a neighbour of the other, or their image hashes are near, or their embeddings equal."""
    one, other = engine.vectors[two]
    near_pictures = image_hash_distance is not None and image_hash_distance <= DEFAULT_CANDIDATES.near_hash
    return bool((near == two[::-1, None]).any()) or near_pictures or np.array_equal(one, other)
