"""Decides what incoming listings are, by the probabilities and thresholds of `itemsearch duplicates`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from itemsearch.decode import decode
from itemsearch.duplicates.pairs.decide import (
    LEAST_AUTOMATIC,
    MIN_PRECISION,
    REVIEW,
    Thresholds,
    decide,
    held_back,
)
from itemsearch.duplicates.pairs.join import JoinConfig, Joined
from itemsearch.duplicates.pairs.learn import PairProbabilities, learn
from itemsearch.duplicates.pairs.variants import EVERY_RULE
from itemsearch.duplicates.run_folder import read_run
from itemsearch.duplicates.types import Decision
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles, Mask, Rows
from itemsearch.matching.compare import Compared, Comparer
from itemsearch.matching.incoming import Incoming, shared_columns
from itemsearch.matching.results import Answer, Candidate, Match
from itemsearch.matching.rivals import apart_for_copies, best_of_products
from itemsearch.probability.model import Model
from itemsearch.search.engine import Engine

LEARN_FROM = 20
"""A feed of fewer rows teaches too little: on training catalogs, one of 20 was judged best by its own."""
OWN_THRESHOLD = 200
"""From so many rows on, the rows that are least sure may be less sure than `min_precision`."""
SAMPLE = 1000
"""So many listings of the index stand for a feed where the feed is too small."""
SAMPLE_SEED = 0
NEUTRAL = float(np.log(0.3 / 0.7**2))
"""The prior where nothing tells how many incoming listings are known: three in ten, which erred least on
training feeds of which a tenth and half were known."""
ANSWERS = {Decision.DUPLICATE: Answer.MATCH, Decision.REVIEW: Answer.REVIEW}


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """How incoming listings are matched.

    identifiers, compared: columns that are evidence, as in `JoinConfig`. min_precision: the share of right
    answers that the matches are to keep. k: how many candidates are told. duplicates: a folder of
    `itemsearch duplicates` whose model, thresholds and columns are used; None to learn from the feed.
    """

    identifiers: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    min_precision: float = MIN_PRECISION
    k: int = 5
    duplicates: Path | None = None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What answers depend on beside the evidence. across: the model of pairs with listings of the index.
    within: of pairs of incoming listings. basis: what they were learnt from."""

    across: Model
    within: Model
    thresholds: Thresholds
    basis: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Compared listings and the probabilities of their pairs. probability (P,): of `compared.cross`. best
    (B,): the place of each listing's best pair among these, -1 for none."""

    compared: Compared
    across: PairProbabilities
    within: PairProbabilities
    probability: Doubles
    best: Rows


class Matcher:
    """Matches blocks of incoming listings with an index; learns from the first one.

    engine: of an index whose model has embedded the listings. columns: of the feed.
    """

    def __init__(self, engine: Engine, columns: Sequence[str], config: MatchConfig) -> None:
        """
        Raises:
            UsageError: a column that the index or the feed lacks, or a folder without a finished run.
        """
        join, self.learnt = _read_run(config)
        identifiers = tuple(dict.fromkeys((*join.identifiers, *config.identifiers)))
        compared = tuple(dict.fromkeys((*join.compared, *config.compared)))
        self.shared = shared_columns(
            engine.listings.column_names, columns, identifiers, compared, join.variant_rules
        )
        self.engine = engine
        self.config = config
        self.comparer = Comparer.of(engine, self.shared, identifiers, compared, join.variant_rules)

    def match(self, incoming: Incoming) -> list[Match]:
        """The answers for B incoming listings, in their order."""
        if not len(incoming):
            return []
        compared = self.comparer.compare(incoming)
        judged = _judge(compared, self.learnt)
        if self.learnt is None:
            judged = self._learn(compared, judged)
        assert self.learnt is not None, "the first block has taught"
        return self._answers(incoming, judged, self.learnt.thresholds)

    def _learn(self, compared: Compared, judged: Judged) -> Judged:
        """Keeps what the first block teaches, or the index where the block is small; judges by it."""
        count, total = compared.incoming, self.engine.summary.rows
        if count >= LEARN_FROM:
            thresholds = Thresholds(self.config.min_precision)
            basis = f"the first {count:,} listings of the feed"
            if count >= OWN_THRESHOLD:
                best = judged.best[judged.best >= 0]
                held = held_back(compared.cross.take(pa.array(best)))
                thresholds = Thresholds.keeping(self.config.min_precision, judged.probability[best], held)
            self.learnt = Learnt(judged.across.model, judged.within.model, thresholds, basis)
            return judged
        rows = np.random.default_rng(SAMPLE_SEED).choice(total, min(SAMPLE, total), replace=False)
        sample = Incoming.of_index(self.engine.listings, self.engine.vectors, np.sort(rows), self.shared)
        model = replace(_judge(self.comparer.compare(sample), None).across.model, prior=NEUTRAL)
        basis = f"{len(sample):,} listings of the index"
        self.learnt = Learnt(model, model, Thresholds(self.config.min_precision), basis)
        return _judge(compared, self.learnt)

    def _answers(self, incoming: Incoming, judged: Judged, thresholds: Thresholds) -> list[Match]:
        compared, cross = judged.compared, judged.compared.cross
        chosen = np.flatnonzero(judged.best >= 0)
        pairs = cross.take(pa.array(judged.best[chosen]))
        probability = pa.array(judged.probability[judged.best[chosen]], pa.float32())
        described = compared.evidence.describe(pairs).append_column("probability", probability)
        decided = decide(described, thresholds)
        columns = (decided[name].to_pylist() for name in ("id_b", "decision", "reason"))
        told = dict(zip(chosen.tolist(), zip(*columns, strict=True), strict=True))
        ids = incoming.table["id"].to_pylist()
        candidates = _candidates(judged, compared.evidence.listings["id"].to_pylist(), self.config.k)
        twins = _twins(judged.within, compared.within, compared.incoming)
        matches = []
        for place, id in enumerate(ids):
            of_index, decision, reason = told.get(
                place, (None, Decision.DIFFERENT, "nothing to compare with")
            )
            answer = ANSWERS.get(Decision(decision), Answer.NEW)
            if answer is Answer.NEW and of_index is not None:
                reason = f"the most alike listing is {of_index}: {reason}"
            twin = None if twins[place] < 0 else ids[twins[place]]
            matches.append(
                Match(
                    id,
                    answer,
                    None if answer is Answer.NEW else of_index,
                    candidates[place][0].probability if candidates[place] else 0.0,
                    reason,
                    candidates[place],
                    twin,
                )
            )
        return matches


def _judge(compared: Compared, learnt: Learnt | None) -> Judged:
    """Judges by what was learnt, or by what these listings teach."""
    evidence, rows = compared.evidence, compared.rows
    models = (learnt.within, learnt.across) if learnt else (None, None)
    within = learn(Joined(compared.within, evidence, rows, rows), False, models[0], feed=True)
    same = _pairs_of(compared.within, within.probability >= REVIEW)
    cross = compared.cross
    query, candidate = cross["row_a"].to_numpy(), cross["row_b"].to_numpy()
    strength, conflict = compared.strength, cross["conflict"].to_numpy()
    stands_for = best_of_products(query, candidate, strength, conflict, compared.alike)
    heads = np.flatnonzero(stands_for == np.arange(len(query)))
    apart = apart_for_copies(query[heads], candidate[heads], strength[heads], same, compared.total)
    contested = cross.take(pa.array(heads))
    contested = contested.set_column(contested.column_names.index("row_b"), "row_b", pa.array(apart))
    across = learn(Joined(contested, evidence, rows, rows), True, models[1], feed=True)
    of_head = np.zeros(len(query))
    of_head[heads] = across.probability
    probability = of_head[stands_for]
    best = _best(query, probability, strength, conflict, len(rows))
    return Judged(compared, across, within, probability, best)


def _best(query: Rows, probability: Doubles, strength: Doubles, conflict: Mask, count: int) -> Rows:
    """(B,) the place of each listing's best pair: without a conflict if it may be one product, else of the
    highest probability; -1 for none."""
    best = np.full(count, -1)
    hopeful = ~conflict & (probability >= REVIEW)
    order = np.lexsort((strength, probability, hopeful))
    best[query[order]] = order  # the last one written is the best
    return best


def _pairs_of(pairs: pa.Table, chosen: Mask) -> set[tuple[int, int]]:
    a, b = (pairs[name].to_numpy()[chosen].tolist() for name in ("row_a", "row_b"))
    return set(zip(a, b, strict=True))


def _candidates(judged: Judged, ids: Sequence[str], k: int) -> list[tuple[Candidate, ...]]:
    """The best k candidates of each listing, the one that is answered first."""
    cross = judged.compared.cross
    query, row = cross["row_a"].to_numpy(), cross["row_b"].to_numpy()
    is_best = np.zeros(len(query), bool)
    is_best[judged.best[judged.best >= 0]] = True
    order = np.lexsort((-judged.compared.strength, -judged.probability, ~is_best, query))
    found: list[list[Candidate]] = [[] for _ in range(judged.compared.incoming)]
    for place in order.tolist():
        if len(own := found[query[place]]) < k:
            own.append(Candidate(ids[row[place]], float(judged.probability[place])))
    return [tuple(own) for own in found]


def _twins(within: PairProbabilities, pairs: pa.Table, count: int) -> Rows:
    """(B,) the incoming listing that each one most likely is once more; -1 for none."""
    sure = (within.probability >= LEAST_AUTOMATIC) & ~held_back(pairs)
    a, b = (pairs[name].to_numpy()[sure] for name in ("row_a", "row_b"))
    order = np.argsort(within.probability[sure], kind="stable")
    twins = np.full(count, -1)
    for one, other in zip(a[order].tolist(), b[order].tolist(), strict=True):
        twins[one], twins[other] = other, one
    return twins


def _read_run(config: MatchConfig) -> tuple[JoinConfig, Learnt | None]:
    """The settings of the run to decide as, and what it learnt.

    Raises:
        UsageError: the folder has no finished run.
    """
    folder = config.duplicates
    if folder is None:
        return JoinConfig(variant_rules=EVERY_RULE), None
    try:
        run = read_run(folder)
        model, thresholds = decode(Model, run["model"]), decode(Thresholds, run["thresholds"])
        return decode(JoinConfig, run["settings"]["join"]), Learnt(model, model, thresholds, str(folder))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"--duplicates {folder}: no finished run ({error}); run itemsearch duplicates first"
        ) from error
