"""Why two listings are, or are not, duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from itemsearch.decisions.log import rejected_pairs
from itemsearch.duplicates.pairs.candidates import BY_DEFAULT
from itemsearch.duplicates.pairs.decide import decide, may_pass
from itemsearch.duplicates.pairs.evidence import PairEvidence, titles_of
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
    "title",
    "image",
    "same_image",
    "phash_distance",
)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another listing that one of the two is alike. of: that one's id."""

    id: str
    of: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that the decision on a pair depends on.

    titles: of the two, in order. decision, reason and the evidence are as in `pairs.parquet`; decision may be
    "different". compared: whether a run of `itemsearch duplicates` looks at the pair. rival: the listing most
    alike either of the two, besides each other.
    """

    ids: tuple[str, str]
    titles: tuple[str, str]
    decision: str
    reason: str
    score: float
    joint: float
    title: float | None
    image: float | None
    same_image: bool
    phash_distance: int | None
    words_a: tuple[str, ...]
    words_b: tuple[str, ...]
    conflicts: tuple[str, ...]
    compared: bool
    rival: Rival | None
    thresholds: Thresholds


def explain(engine: Engine, id_a: str, id_b: str, thresholds: Thresholds, guard: VariantRules) -> Explanation:
    """Decides on a pair as a run would, among the nearest listings of both.

    Raises:
        UnknownIdError: the index does not hold an id.
        UsageError: an id twice, or a guard that does not fit the products.
    """
    if id_a == id_b:
        raise UsageError(f"{id_a!r} and itself: give the ids of two listings")
    index = engine.ranker.index
    two = np.array([engine.row_of(id_a), engine.row_of(id_b)])
    two = two[np.argsort(index.tie_rank[two])]
    near = index.search(index.vectors[two], min(BY_DEFAULT.neighbours, engine.summary.rows), exclude=two)[1]
    decided = _decided(engine, two, near, thresholds, guard)
    ids = engine.listings["id"].take(pa.array(two)).to_pylist()
    (pair,) = [each for each in decided if [each["id_a"], each["id_b"]] == ids]
    lists: dict[str, Any] = {name: tuple(pair[name]) for name in ("words_a", "words_b", "conflicts")}
    return Explanation(
        ids=(ids[0], ids[1]),
        titles=(pair["title_a"], pair["title_b"]),
        **{name: pair[name] for name in _AS_IN_PAIRS},
        **lists,
        compared=_is_compared(engine, two, near, pair["phash_distance"]),
        rival=_rival(decided, ids),
        thresholds=thresholds,
    )


def _decided(
    engine: Engine, two: Rows, near: Rows, thresholds: Thresholds, guard: VariantRules
) -> list[dict[str, Any]]:
    """The pair of `two` rows, and those of either with its neighbours, which it is weighed against."""
    ranker = engine.ranker
    rows = np.unique(np.concatenate([two, near[near >= 0]]))
    listings = ranker.listings.take(pa.array(rows))
    evidence = PairEvidence.of(listings, ranker.index.vectors[rows], ranker.judgement, guard)
    places = np.searchsorted(rows, two)
    one = np.repeat(places, len(rows))
    other = np.tile(np.arange(len(rows)), 2)
    rank = ranker.index.tie_rank[rows]
    a, b = np.where(rank[one] < rank[other], [one, other], [other, one])
    pairs = np.unique(np.stack([a, b], axis=1)[a != b], axis=0)
    measured = evidence.measure(pairs[:, 0], pairs[:, 1])
    kept = may_pass(measured, thresholds) | (pairs == places).all(axis=1)
    decided = decide(evidence.describe(measured.filter(pa.array(kept))), thresholds, rejected_pairs(engine))
    titles = np.array(titles_of(listings), object)
    for side in ("a", "b"):
        decided = decided.append_column(f"title_{side}", pa.array(titles[decided[f"row_{side}"].to_numpy()]))
    told: list[dict[str, Any]] = decided.to_pylist()
    return told


def _rival(decided: list[dict[str, Any]], ids: list[str]) -> Rival | None:
    others = [pair for pair in decided if [pair["id_a"], pair["id_b"]] != ids and not pair["conflicts"]]
    if not others:
        return None
    best = max(others, key=lambda pair: float(pair["score"]))
    own, other = ("a", "b") if best["id_a"] in ids else ("b", "a")
    return Rival(best[f"id_{other}"], best[f"id_{own}"], best[f"title_{other}"], best["score"])


def _is_compared(engine: Engine, two: Rows, near: Rows, phash_distance: int | None) -> bool:
    """Whether either is among the other's neighbours, or their pictures or embeddings are as good as one."""
    one, other = engine.vectors[two]
    near_pictures = phash_distance is not None and phash_distance <= BY_DEFAULT.near_hash
    return bool((near == two[::-1, None]).any()) or near_pictures or np.array_equal(one, other)
