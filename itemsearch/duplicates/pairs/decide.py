"""Decides pairs by their evidence: duplicate, review, variant, rejected or different.

A pair passes where any one kind of evidence reaches its own threshold. A calibrated index has one
threshold, of a probability that weighs all evidence; without labels, several kinds have cautious ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.types import Decision
from itemsearch.indexes.arrays import Doubles, Mask
from itemsearch.probability.thresholds import (
    FEATURES,
    IDENTICAL,
    PROBABILITY,
    Threshold,
    Thresholds,
    Weights,
)

MarginOf = Callable[[pa.Table], Doubles]

LEAST_RIVAL = 0.05
"""Pairs of a lower score are no rivals, so that the join need not keep them."""
LEAST_LOGIT = math.log(LEAST_RIVAL / (1 - LEAST_RIVAL))
CLIPPED_SCORE = 1e-6
"""Scores are clipped to this distance from 0 and 1, so that logits are finite."""
REJECTED_REASON = "a person decided that they are two products"
FAR_HASH = 32
"""The Hamming distance that image hashes of unrelated pictures have on average, of 64 bits."""


def may_pass(measured: pa.Table, thresholds: Thresholds) -> Mask:
    """Finds the pairs that could pass, or be the rival of such a pair, before conflicts are known.

    Args:
        measured: columns score, joint, title_similarity, image_similarity, image_hash_distance of P pairs.

    Returns:
        (P,)
    """
    passes = np.zeros(measured.num_rows, bool)
    for threshold in thresholds.by_evidence:
        passes |= _evidence(measured, threshold.evidence, thresholds, _best_margin) >= threshold.review
    if thresholds.weights is not None:
        passes |= measured["score"].to_numpy() >= LEAST_RIVAL
    return passes


def decide(
    pairs: pa.Table, thresholds: Thresholds, rejected: Collection[tuple[str, str]] = frozenset()
) -> pa.Table:
    """Adds the columns decision and reason to pairs, or replaces them.

    A pair that a person rejected is rejected, whatever the evidence. A pair whose listings conflict is a
    variant where it would pass.

    Args:
        pairs: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`, all that `may_pass`, since the
            margin compares a pair with the other pairs of its listings.
        rejected: (id_a, id_b), in either order.
    """
    # A worked example, of thresholds score (0.9 automatic, 0.5 review) and joint (0.98, 0.95):
    #
    #   score  joint  conflicts      automatic      review         decision
    #   0.95   0.60                  score          score          duplicate
    #   0.70   0.99                  joint          score, joint   duplicate
    #   0.70   0.60   size: S / M                   score          variant
    #   0.30   0.60                                                different
    values = [
        _evidence(pairs, each.evidence, thresholds, margins).tolist() for each in thresholds.by_evidence
    ]
    rejected_sets = {frozenset(pair) for pair in rejected}
    id_a, id_b, conflicts, same_image = (
        pairs[name].to_pylist() for name in ("id_a", "id_b", "conflicts", "same_image")
    )
    decisions, reasons = [], []
    for row, row_values in enumerate(zip(*values, strict=True)):
        if rejected_sets and frozenset((id_a[row], id_b[row])) in rejected_sets:
            decision, reason = Decision.REJECTED, REJECTED_REASON
        else:
            decision, reason = _decide_pair(row_values, thresholds, conflicts[row])
            if same_image[row] and decision is not Decision.VARIANT:
                reason += "; the pictures are the same"
        decisions.append(decision)
        reasons.append(reason)
    undecided = pairs.drop_columns([name for name in ("decision", "reason") if name in pairs.column_names])
    return undecided.append_column("decision", pa.array(decisions, pa.string())).append_column(
        "reason", pa.array(reasons, pa.string())
    )


def features(pairs: pa.Table, margin: Doubles) -> Doubles:
    """(P, F) the `FEATURES` of pairs, NaN where a listing lacks the modality; margin: (P,)."""
    cosines = [_numbers(pairs, name, np.nan) for name in ("joint", "title_similarity", "image_similarity")]
    hash_distance = _numbers(pairs, "image_hash_distance", np.nan)
    hash_similarity = 1 - np.minimum(hash_distance, FAR_HASH) / FAR_HASH
    return np.stack([_logits(pairs), margin, *cosines, hash_similarity], axis=1)


def margins(pairs: pa.Table) -> Doubles:
    """(P,) each pair's logit of the score minus that of its strongest rival: the best other pair of either.

    Pairs with conflicts are no rivals, since they are decided already, nor are identical listings.
    """
    # A worked example, of logits; listing 2 has two pairs, each the other's rival:
    #
    #   row_a  row_b  logit   best other pair of a   of b             margin
    #   0      1      3.0     none                   none             3.0 - LEAST_LOGIT
    #   2      3      2.0     1.5 (2-4)              none             0.5
    #   2      4      1.5     2.0 (2-3)              none             -0.5
    #   5      6      -2.0    none                   none             -2.0 - LEAST_LOGIT
    a, b = pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()
    logits = _logits(pairs)
    rivals = (pc.list_value_length(pairs["conflicts"]).to_numpy() == 0) & (
        pairs["joint"].to_numpy() < IDENTICAL
    )
    rows, numbers = np.unique(np.concatenate([a, b]), return_inverse=True)
    ends = np.concatenate([numbers[: len(a)][rivals], numbers[len(a) :][rivals]])
    end_logits = np.tile(logits[rivals], 2)
    order = np.lexsort((-end_logits, ends))
    ends, end_logits = ends[order], end_logits[order]
    first = np.diff(ends, prepend=-1) > 0
    second = np.roll(first, 1) & ~first
    best, next_best = np.full(len(rows), -np.inf), np.full(len(rows), -np.inf)
    best[ends[first]], next_best[ends[second]] = end_logits[first], end_logits[second]
    strongest = np.full(len(a), LEAST_LOGIT)
    for side in (numbers[: len(a)], numbers[len(a) :]):
        own_is_best = rivals & (logits == best[side])
        strongest = np.maximum(strongest, np.where(own_is_best, next_best[side], best[side]))
    margin: Doubles = logits - strongest
    return margin


def probabilities(pair_features: Doubles, weights: Weights) -> Doubles:
    """(P,) the probability that each pair is one product, from (P, F) `features`."""
    known = np.where(np.isnan(pair_features), [weights.imputed[name] for name in FEATURES], pair_features)
    logits = known @ np.array([weights.coefficients[name] for name in FEATURES]) + weights.bias
    probability: Doubles = 1 / (1 + np.exp(-logits))
    return probability


def _evidence(pairs: pa.Table, name: str, thresholds: Thresholds, margin_of: MarginOf) -> Doubles:
    """(P,) the values of one kind of evidence; minus infinity where a listing lacks the modality."""
    if name != PROBABILITY:
        return _numbers(pairs, name, -np.inf)
    assert thresholds.weights is not None, "a threshold of probability needs weights"
    return probabilities(features(pairs, margin_of(pairs)), thresholds.weights)


def _best_margin(measured: pa.Table) -> Doubles:
    """(P,) the margins that pairs would have without rivals."""
    best: Doubles = _logits(measured) - LEAST_LOGIT
    return best


def _decide_pair(
    values: Sequence[float], thresholds: Thresholds, conflicts: Sequence[str]
) -> tuple[Decision, str]:
    """The decision on one pair, and its reason: the first threshold reached. values: by threshold."""
    measured = list(zip(thresholds.by_evidence, values, strict=True))
    to_review = [each for each in measured if each[1] >= each[0].review]
    if not to_review:
        threshold, value = measured[0]
        below = f"{_name(threshold)} {value:.4g} is below {threshold.review:.4g}"
        return Decision.DIFFERENT, f"{below}, and no other evidence is enough"
    if conflicts:
        return Decision.VARIANT, f"alike, but {'; '.join(conflicts)}"
    for threshold, value in measured:
        if value >= threshold.automatic:
            reached = f"{_name(threshold)} {value:.4g} reaches {threshold.automatic:.4g}"
            return Decision.DUPLICATE, f"{reached}, enough for a duplicate"
    threshold, value = to_review[0]
    reached = f"{_name(threshold)} {value:.4g} reaches {threshold.review:.4g}"
    return Decision.REVIEW, f"{reached}, enough for a review"


def _name(threshold: Threshold) -> str:
    return threshold.evidence.replace("_", " ")


def _numbers(pairs: pa.Table, name: str, missing: float) -> Doubles:
    numbers: Doubles = pc.fill_null(pairs[name].cast(pa.float64()), missing).to_numpy()
    return numbers


def _logits(pairs: pa.Table) -> Doubles:
    scores = np.clip(_numbers(pairs, "score", 0.0), CLIPPED_SCORE, 1 - CLIPPED_SCORE)
    logits: Doubles = np.log(scores / (1 - scores))
    return logits
