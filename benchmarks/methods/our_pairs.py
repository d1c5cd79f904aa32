"""Ours: the duplicates that `itemsearch duplicates` finds, with the probability of every compared pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.benchmarks.data.judged_pairs import AUTOMATIC, OFFERED, PairAnswers
from itemsearch.benchmarks.data.true_pairs import TruePairs, pair_keys
from itemsearch.benchmarks.metrics.clusters import LEAST
from itemsearch.duplicates.groups.linkage import components
from itemsearch.duplicates.pairs.decide import TierEstimates
from itemsearch.duplicates.run import RunConfig, find_duplicates, judge_pairs
from itemsearch.duplicates.run_folder import DuplicateTables, read_tables
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.arrays import Doubles, Ints
from itemsearch.indexes.progress import silent
from itemsearch.probability.mixture import Fitted
from itemsearch.probability.refine import refine
from itemsearch.search.engine import Engine

HALF = 0.5


@dataclass(frozen=True, slots=True)
class OurPairs:
    """P compared pairs of N listings. keys: (P,) ascending, as `pair_keys` makes them. scores, probability:
    (P,) float64. answers: of the pairs of probability .5 or more, and of the tiers, by what follows our name.
    labelled: keys of the pairs that taught. estimates, expected: what `duplicates` says of its tiers, and how
    many pairs of one product it expects."""

    keys: Ints
    scores: Doubles
    probability: Doubles
    answers: Mapping[str, PairAnswers]
    labelled: Ints
    estimates: TierEstimates
    expected: float


def find_our_pairs(
    engine: Engine, config: RunConfig, out: Path, truth: TruePairs, labels: int, seed: int
) -> OurPairs:
    """Finds the duplicates of an index into `out`.

    Args:
        labels: so many compared pairs teach what the truth says of them, see `draw_labels`.

    Raises:
        UsageError: no column of that name to differ in.
    """
    joined, learnt = judge_pairs(engine, out, config, silent)
    count = engine.listings.num_rows
    keys = pair_keys(joined.pairs["row_a"].to_numpy(), joined.pairs["row_b"].to_numpy(), count)
    scores = joined.pairs["score"].to_numpy().astype(np.float64)
    labelled = np.empty(0, np.int64)
    if labels:
        places = draw_labels(learnt.fitted, labels, seed)
        labelled = keys[learnt.places[places]]
        curve = refine(learnt.fitted, places, np.isin(labelled, truth.keys))
        config, learnt = replace(config, curve=curve), learnt.with_curve(curve)
    report = find_duplicates(engine, out, config, silent)
    order = np.argsort(keys)
    likely = keys[learnt.probability >= HALF]
    connected = components(count, likely // count, likely % count)
    answers = {"": PairAnswers(likely, connected), **_tiers(read_tables(out, engine.listings))}
    return OurPairs(
        keys[order],
        scores[order],
        learnt.probability[order],
        answers,
        labelled,
        report.estimates,
        report.expected,
    )


def draw_labels(fitted: Fitted, count: int, seed: int) -> Ints:
    """Places of `count` pairs to label, as a review would ask for them: half are the most doubtful, half are
    drawn. All have a probability of `LEAST` or more; where fewer have, fewer are labelled."""
    offered = np.flatnonzero(fitted.probability >= LEAST)
    doubtful = offered[np.argsort(abs(fitted.probability[offered] - HALF), kind="stable")[: count // 2]]
    others = np.random.default_rng(seed).permutation(np.setdiff1d(offered, doubtful))
    return np.concatenate([doubtful, others[: count - len(doubtful)]])


def _tiers(tables: DuplicateTables) -> dict[str, PairAnswers]:
    """The answers of the automatic tier, and of it with what is to review."""
    ids = tables.listings["id"]
    a, b = (pc.index_in(tables.pairs[name], ids).to_numpy().astype(np.int64) for name in ("id_a", "id_b"))
    keys = pair_keys(a, b, tables.listings.num_rows)
    decision = tables.pairs["decision"].to_pylist()
    tiers = {
        AUTOMATIC: ((Decision.DUPLICATE,), (Tier.AUTOMATIC,)),
        OFFERED: ((Decision.DUPLICATE, Decision.REVIEW), tuple(Tier)),
    }
    return {
        name: PairAnswers(
            keys[np.array([of in decisions for of in decision], bool)], _group_numbers(tables, kept)
        )
        for name, (decisions, kept) in tiers.items()
    }


def _group_numbers(tables: DuplicateTables, tiers: tuple[Tier, ...]) -> Ints:
    """(N,) the first row of each listing's group; its own row without a group.

    Four listings of which 1 and 3 are grouped give [0, 1, 2, 1].
    """
    kept = tables.groups.filter(pc.is_in(tables.groups["tier"], pa.array([tier.value for tier in tiers])))
    rows = pc.index_in(kept["id"], tables.listings["id"]).to_pylist()
    numbers = np.arange(tables.listings.num_rows)
    first: dict[str, int] = {}
    for row, name in zip(rows, kept["group_id"].to_pylist(), strict=True):
        numbers[row] = first.setdefault(name, row)
    return numbers
