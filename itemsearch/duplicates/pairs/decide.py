"""From the evidence on a pair to what becomes of it.

A pair passes where any one piece of evidence reaches its own bar. Calibrated, one bar is of a probability
that weighs all pieces together; without labels there are cautious bars for several pieces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.types import Decision
from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.thresholds import FEATURES, IDENTICAL, PROBABILITY, Bar, Thresholds, Weights

MarginOf = Callable[[pa.Table], Doubles]

LEAST_RIVAL = 0.05
"""Pairs of a lower score are rivals of none, so that the join need not keep them."""
LEAST_LOGIT = math.log(LEAST_RIVAL / (1 - LEAST_RIVAL))
SURE = 1e-6
"""Scores this near to 0 and 1 are taken for this much, so that logits are finite."""
REJECTED_REASON = "a person said that they are two products"
FAR_HASH = 32
"""Hashes of different pictures differ by so many bits."""


def may_pass(measured: pa.Table, thresholds: Thresholds) -> Mask:
    """(P,) whether each pair could be a duplicate or to review, or the rival of one, whatever else is found.

    Args:
        measured: columns score, joint, title, image and phash_distance.
    """
    passes = np.zeros(measured.num_rows, bool)
    for bar in thresholds.bars:
        passes |= _evidence(measured, bar.evidence, thresholds, _best_margin) >= bar.review
    if thresholds.weights is not None:
        passes |= measured["score"].to_numpy() >= LEAST_RIVAL
    return passes


def decide(
    pairs: pa.Table, thresholds: Thresholds, rejected: Collection[tuple[str, str]] = frozenset()
) -> pa.Table:
    """Adds decision and reason to a join's pairs, or puts them in the place of those that are there.

    A pair of which a person said that it is two products is rejected, whatever the evidence; one whose
    listings conflict is a variant where it would pass.

    Args:
        pairs: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`, every pair that `may_pass`: a pair is weighed against the
            others of its listings.
        rejected: (id_a, id_b), in either order.
    """
    sides = [_evidence(pairs, bar.evidence, thresholds, margins) for bar in thresholds.bars]
    automatic = np.stack([side >= bar.automatic for side, bar in zip(sides, thresholds.bars, strict=True)])
    review = np.stack([side >= bar.review for side, bar in zip(sides, thresholds.bars, strict=True)])
    said = {frozenset(pair) for pair in rejected}
    ids = zip(pairs["id_a"].to_pylist(), pairs["id_b"].to_pylist(), strict=True)
    refused = [bool(said) and frozenset(pair) in said for pair in ids]
    decisions, reasons = [], []
    conflicts, same = pairs["conflicts"].to_pylist(), pairs["same_image"].to_pylist()
    for place in range(pairs.num_rows):
        sure, passes = automatic[:, place].any(), review[:, place].any()
        # The first bar that is passed says why; where none is, the first one says what lacks.
        bar = int((automatic if sure else review)[:, place].argmax())
        told = _told(thresholds.bars[bar], float(sides[bar][place]), bool(sure), bool(passes))
        told += "; the pictures are the same" if same[place] else ""
        if refused[place]:
            decision, told = Decision.REJECTED, REJECTED_REASON
        elif passes and conflicts[place]:
            decision, told = Decision.VARIANT, f"alike, but {'; '.join(conflicts[place])}"
        else:
            decision = Decision.DUPLICATE if sure else Decision.REVIEW if passes else Decision.DIFFERENT
        decisions.append(decision)
        reasons.append(told)
    kept = pairs.drop_columns([name for name in ("decision", "reason") if name in pairs.column_names])
    return kept.append_column("decision", pa.array(decisions, pa.string())).append_column(
        "reason", pa.array(reasons, pa.string())
    )


def features(pairs: pa.Table, margin: Doubles) -> Doubles:
    """(P, F) of `FEATURES`, NaN where a listing lacks what it takes; margin: (P,)."""
    cosines = [_numbers(pairs, name, np.nan) for name in ("joint", "title", "image")]
    near = 1 - np.minimum(_numbers(pairs, "phash_distance", np.nan), FAR_HASH) / FAR_HASH
    return np.stack([_logits(pairs), margin, *cosines, near], axis=1)


def margins(pairs: pa.Table) -> Doubles:
    """(P,) how far each score's logit is above that of the best other pair of either listing.

    Pairs with conflicts are rivals of none, for they are told apart already, nor are identical listings.
    """
    a, b = pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()
    logits = _logits(pairs)
    rivals = (pc.list_value_length(pairs["conflicts"]).to_numpy() == 0) & (
        pairs["joint"].to_numpy() < IDENTICAL
    )
    rows, numbers = np.unique(np.concatenate([a, b]), return_inverse=True)
    ends = np.concatenate([numbers[: len(a)][rivals], numbers[len(a) :][rivals]])
    worth = np.tile(logits[rivals], 2)
    order = np.lexsort((-worth, ends))
    ends, worth = ends[order], worth[order]
    first = np.diff(ends, prepend=-1) > 0
    second = np.roll(first, 1) & ~first
    best, next_best = np.full(len(rows), -np.inf), np.full(len(rows), -np.inf)
    best[ends[first]], next_best[ends[second]] = worth[first], worth[second]
    strongest = np.full(len(a), LEAST_LOGIT)
    for side in (numbers[: len(a)], numbers[len(a) :]):
        own_is_best = rivals & (logits == best[side])
        strongest = np.maximum(strongest, np.where(own_is_best, next_best[side], best[side]))
    margin: Doubles = logits - strongest
    return margin


def probabilities(found: Doubles, weights: Weights) -> Doubles:
    """(P,) of (P, F) `features`."""
    known = np.where(np.isnan(found), [weights.usual[name] for name in FEATURES], found)
    logits = known @ np.array([weights.of[name] for name in FEATURES]) + weights.bias
    sure: Doubles = 1 / (1 + np.exp(-logits))
    return sure


def _evidence(pairs: pa.Table, name: str, thresholds: Thresholds, margin_of: MarginOf) -> Doubles:
    if name != PROBABILITY:
        return _numbers(pairs, name, -np.inf)
    assert thresholds.weights is not None, "a bar of probability comes with weights"
    return probabilities(features(pairs, margin_of(pairs)), thresholds.weights)


def _best_margin(measured: pa.Table) -> Doubles:
    best: Doubles = _logits(measured) - LEAST_LOGIT
    return best


def _told(bar: Bar, value: float, sure: bool, passes: bool) -> str:
    cosine = bar.evidence in ("joint", "title", "image")
    name = f"{bar.evidence} cosine" if cosine else bar.evidence
    if not passes:
        return f"{name} {value:.4g} is below {bar.review:.4g}, and no other evidence is enough"
    need, enough = (bar.automatic, "a duplicate") if sure else (bar.review, "a review")
    return f"{name} {value:.4g} reaches {need:.4g}, enough for {enough}"


def _numbers(pairs: pa.Table, name: str, missing: float) -> Doubles:
    numbers: Doubles = pc.fill_null(pairs[name].cast(pa.float64()), missing).to_numpy()
    return numbers


def _logits(pairs: pa.Table) -> Doubles:
    scores = np.clip(_numbers(pairs, "score", 0.0), SURE, 1 - SURE)
    logits: Doubles = np.log(scores / (1 - scores))
    return logits
