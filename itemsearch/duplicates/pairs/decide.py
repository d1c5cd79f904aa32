"""Decides pairs: by their probability, or as people did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.duplicates.types import BY_PEOPLE, Decision
from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.estimate import Checked, Estimate, estimate, threshold_for

REVIEW = 0.25
"""The least probability that is worth a look: a guess, a person for every four right answers at worst."""
LEAST_AUTOMATIC = 0.5
"""A pair that is more likely two products is never a duplicate, whatever precision the others allow."""
MIN_PRECISION = 0.95
NEVER = 2.0
"""No probability reaches it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least probability of a duplicate, and of a pair to review. automatic: `NEVER` where no probability
    keeps the precision that was asked for."""

    automatic: float
    review: float = REVIEW

    @classmethod
    def keeping(cls, min_precision: float, probability: Doubles, held: Mask) -> Thresholds:
        """The lowest threshold whose pairs are expected to keep a precision.

        Args:
            probability: (P,) of every compared pair. held: (P,) those that are never duplicates.
        """
        least = threshold_for(probability[~held], min_precision)
        return cls(NEVER if least is None else max(least, LEAST_AUTOMATIC))


@dataclass(frozen=True, slots=True)
class TierEstimates:
    """The estimated precision and recall of the duplicates, and of these with the pairs to review.

    checked: tier to what people found of the groups that were drawn from it; a tier of which nobody checked
    one is left out.
    """

    automatic: Estimate
    with_review: Estimate
    checked: Mapping[str, Checked] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        probability: Doubles,
        pairs: pa.Table,
        thresholds: Thresholds,
        labels: int,
        too_high: float = 0.0,
    ) -> TierEstimates:
        """Estimates from (P,) probabilities of measured pairs; `labels` is how many they were refined by, and
        `too_high` of `sibling_doubt`."""
        may_pass = (~held_back(pairs), ~pairs["conflict"].to_numpy())
        least = (thresholds.automatic, thresholds.review)
        automatic, with_review = (
            estimate(probability, may & (probability >= threshold), threshold, labels, too_high)
            for may, threshold in zip(may_pass, least, strict=True)
        )
        return cls(automatic, with_review)


def held_back(pairs: pa.Table) -> Mask:
    """(P,) the measured pairs that are never duplicates without a person: of a conflict or a doubt."""
    held: Mask = pairs["conflict"].to_numpy() | pairs["doubt"].is_valid().to_numpy()
    return held


def decide(pairs: pa.Table, thresholds: Thresholds, decided: Decided = NOBODY) -> pa.Table:
    """Adds the columns decision and reason to pairs, or replaces them.

    A pair that people decided is as they did, whatever the evidence. A pair whose listings conflict is a
    variant where it would be a duplicate or to review; of a pair with a doubt a person decides.

    Args:
        pairs: `ROWS_SCHEMA`, `EVIDENCE_SCHEMA` and probability, which may be null where people decided.
    """
    # A worked example, of thresholds 0.9 automatic and 0.25 review:
    #
    #   probability  conflicts      decision
    #   0.95                        duplicate
    #   0.95         size: S / M    variant
    #   0.30                        review
    #   0.10                        different
    columns = ("id_a", "id_b", "probability", "conflicts", "doubt", "same_image", "same_identifier")
    decisions, reasons = [], []
    for row in zip(*(pairs[name].to_pylist() for name in columns), strict=True):
        id_a, id_b, probability, conflicts, doubt, same_image, same_identifier = row
        same = decided.same(id_a, id_b)
        if same is not None:
            decision = Decision.CONFIRMED if same else Decision.REJECTED
            reason = decided.reason(id_a, id_b)
        else:
            decision = _decide_pair(probability, bool(conflicts), thresholds)
            if decision is Decision.DUPLICATE and doubt:
                decision = Decision.REVIEW
            reason = _reason(decision, probability, thresholds)
            reason += f": alike, but {'; '.join(conflicts)}" if conflicts else ""
            reason += f"; {same_identifier} is of both" if same_identifier else ""
            if not conflicts:
                reason += f"; {doubt}" if doubt else "; the pictures are the same" if same_image else ""
        decisions.append(decision)
        reasons.append(reason)
    undecided = pairs.drop_columns([name for name in ("decision", "reason") if name in pairs.column_names])
    return undecided.append_column("decision", pa.array(decisions, pa.string())).append_column(
        "reason", pa.array(reasons, pa.string())
    )


def decide_again(pairs: pa.Table, thresholds: Thresholds, decided: Decided = NOBODY) -> pa.Table:
    """Decided pairs with the decisions of people as they are now; those that are then different, or have no
    probability to decide by, are left out.

    Args:
        pairs: as `decide` returns them.
    """
    ids = zip(pairs["id_a"].to_pylist(), pairs["id_b"].to_pylist(), strict=True)
    now = pa.array([decided.same(a, b) is not None for a, b in ids], pa.bool_())
    before = pc.is_in(pairs["decision"], pa.array(BY_PEOPLE, pa.string()))
    known = pc.or_(now, pairs["probability"].is_valid())
    again = decide(pairs.filter(pc.and_(pc.or_(now, before), known)), thresholds, decided)
    again = again.filter(pc.not_equal(again["decision"], Decision.DIFFERENT.value))
    return pa.concat_tables([pairs.filter(pc.invert(pc.or_(now, before))), again.select(pairs.column_names)])


def _decide_pair(probability: float, conflict: bool, thresholds: Thresholds) -> Decision:
    # float32 in the table, float64 in the thresholds
    if probability < np.float32(thresholds.review):
        return Decision.DIFFERENT
    if conflict:
        return Decision.VARIANT
    return Decision.DUPLICATE if probability >= np.float32(thresholds.automatic) else Decision.REVIEW


def _reason(decision: Decision, probability: float, thresholds: Thresholds) -> str:
    if decision is Decision.DUPLICATE:
        return f"probability {probability:.3f}, a duplicate from {thresholds.automatic:.3f}"
    if decision is Decision.REVIEW:
        return f"probability {probability:.3f}, to review from {thresholds.review:.3f}"
    if decision is Decision.VARIANT:
        return f"probability {probability:.3f}"
    return f"probability {probability:.3f} is below {thresholds.review:.3f}"
