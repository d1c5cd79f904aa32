"""Counts and estimates what a run found."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.groups.history import Changes
from itemsearch.duplicates.pairs.decide import Thresholds, TierEstimates
from itemsearch.duplicates.pairs.join import Joined
from itemsearch.duplicates.pairs.learn import PairProbabilities
from itemsearch.duplicates.run_folder import DuplicateTables, RunReport, WeakPair
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.arrays import Mask

PUBLISHED = tuple(decision for decision in Decision if decision is not Decision.DIFFERENT)
WEAKEST = 5
"""So many duplicates of the lowest probabilities are named."""


def report_of(
    joined: Joined,
    learnt: PairProbabilities,
    thresholds: Thresholds,
    tables: DuplicateTables,
    changes: Changes,
    known: Mask,
) -> RunReport:
    """The report of a run.

    Args:
        known: (P,) the compared pairs that people decided, which the estimates leave out.
    """
    pairs, keepers = tables.pairs, tables.groups.filter(tables.groups["keeper"])
    decisions, tiers = Counter(pairs["decision"].to_pylist()), Counter(keepers["tier"].to_pylist())
    duplicates = pairs.filter(pc.equal(pairs["decision"], Decision.DUPLICATE.value))
    weakest = duplicates.slice(max(duplicates.num_rows - WEAKEST, 0)).select(WeakPair.__slots__).to_pylist()
    labels = learnt.model.curve.labels
    return RunReport(
        rows=len(joined.rows),
        joined=len(joined.rows),
        compared=joined.pairs.num_rows,
        pairs={decision.value: decisions[decision] for decision in PUBLISHED},
        groups={tier.value: tiers[tier] for tier in Tier},
        listings=tables.groups.num_rows,
        changes={name: len(values) for name, values in asdict(changes).items()},
        weakest=tuple(WeakPair(**pair) for pair in reversed(weakest)),
        estimates=TierEstimates.of(
            learnt.probability[~known],
            joined.pairs.filter(pa.array(~known)),
            thresholds,
            labels,
            learnt.fitted.too_high,
        ),
        expected=float(learnt.probability.sum()),
        labels=labels,
        columns=joined.evidence.columns.names(),
    )
