"""Learns from the compared pairs of a catalog how probable it is that each is one product."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from itemsearch.duplicates.pairs.columns import EQUAL, PROVEN, UNLIKE
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.join import Joined
from itemsearch.duplicates.types import IDENTICAL
from itemsearch.indexes.arrays import Doubles, Ints, Mask, unique
from itemsearch.probability.compared import ComparedPairs
from itemsearch.probability.mixture import Fitted, Siblings, apply, fit
from itemsearch.probability.model import Curve, Model

SAME_IDENTIFIER, OTHER_IDENTIFIER = 9.0, -5.0
"""Log-odds that equal and contradicting identifiers add: guesses, as strong as proof that may have errors."""
PROVEN_SCORE = 0.5
"""What a lower match score counts as where a trade number with a right check digit is of both: sellers who
have no word and no picture in common still sell one product. What titles say against it counts."""
PICTURED = 0.5
"""The share of listings with pictures from which on a catalog's siblings look as they do in pictures."""
SIBLING, ONE_PRODUCT = -5.0, 1.0
"""Log-odds of `score_of_cosine`: what match scores of siblings and of one product are like."""
IDENTICAL_PROBABILITY = 0.99
"""Of listings that are equal in all that is known of them: a guess, which leaves one in a hundred."""
LEARNT = ("row_a", "row_b", "score", "joint", "support", "identifier", "conflict")
"""Columns of measured pairs, beside the levels."""


@dataclass(frozen=True, slots=True)
class PairProbabilities:
    """fitted: of the pairs of different content, `places` (F,) among the P compared pairs. probability: (P,)
    float64, of every compared pair. across: whether listings had to differ in a column."""

    fitted: Fitted
    places: Ints
    probability: Doubles
    across: bool

    @property
    def model(self) -> Model:
        """What was learnt, without the catalog's pairs."""
        return self.fitted.model

    def with_curve(self, curve: Curve) -> PairProbabilities:
        """The probabilities by another curve, such as `refine` gives."""
        fitted = self.fitted.with_curve(curve)
        probability = self.probability.copy()
        probability[self.places] = fitted.probability
        return replace(self, fitted=fitted, probability=probability)


def learn(
    joined: Joined, across: bool, model: Model | None = None, curve: Curve | None = None, feed: bool = False
) -> PairProbabilities:
    """Learns the probabilities of the pairs of a join.

    Args:
        across: whether the listings of a pair have to differ in a column, such as the seller.
        model: what an earlier run learnt, applied instead of learning anew.
        curve: a calibration's, in place of the one without labels.
        feed: whether the pairs are of a feed, not of a catalog with itself.
    """
    identical = _identical(joined.pairs)
    places = np.flatnonzero(~identical)
    pairs = _differing_pairs(joined, ~identical)
    pictured = bool((pictures := joined.evidence.image_hashes.has_image).size) and pictures.mean() >= PICTURED
    siblings = None if feed else Siblings.of_catalog(across, pictured)
    fitted = fit(pairs, across, siblings) if model is None else apply(model, pairs)
    if curve is not None:
        fitted = fitted.with_curve(curve)
    probability = np.full(len(identical), IDENTICAL_PROBABILITY)
    probability[places] = fitted.probability
    return PairProbabilities(fitted, places, probability, across)


def _differing_pairs(joined: Joined, differing: Mask) -> ComparedPairs:
    """The pairs of different content, of the columns that are learnt from: the others are the larger part."""
    learnt = [name for name in joined.pairs.column_names if name in LEARNT or name.startswith("level_")]
    pairs = joined.pairs.select(learnt).filter(pa.array(differing))
    return compared_pairs(pairs, match_scores(pairs, joined.evidence), joined.representatives)


def compared_pairs(pairs: pa.Table, score: Doubles, listings: Ints) -> ComparedPairs:
    """The pairs as `fit` takes them, with listings numbered from 0.

    Args:
        pairs: what `PairEvidence.measure` returns. score: (P,) from 0 to 1.
        listings: (R,) rows of the listings that were compared, with repetitions.
    """
    rows = unique(np.concatenate([listings, pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()]))
    a, b = (np.searchsorted(rows, pairs[name].to_numpy()) for name in ("row_a", "row_b"))
    identifier = pairs["identifier"].to_numpy()
    score = np.where(identifier == PROVEN, np.maximum(score, PROVEN_SCORE), score)
    extra = np.select([identifier >= EQUAL, identifier == UNLIKE], [SAME_IDENTIFIER, OTHER_IDENTIFIER], 0.0)
    levels = [pairs[name].to_numpy() for name in pairs.column_names if name.startswith("level_")]
    support = np.where(identifier >= EQUAL, 1.0, pairs["support"].to_numpy())
    return ComparedPairs.from_scores(
        len(rows),
        a,
        b,
        score,
        support[:, None],
        pairs["conflict"].to_numpy(),
        extra,
        np.stack(levels, axis=1).astype(np.int64) if levels else None,
    )


def match_scores(pairs: pa.Table, evidence: PairEvidence) -> Doubles:
    """(P,) the match scores of measured pairs, or stand-ins for them where there is no ranking."""
    if evidence.scorer is None:
        return score_of_cosine(pairs)
    scores: Doubles = pairs["score"].to_numpy()
    return scores


def score_of_cosine(pairs: pa.Table) -> Doubles:
    """(P,) stand-ins for the match scores of external embeddings, for which no ranking was fitted.

    Log-odds rise in a straight line from those of a sibling, at the median cosine of a listing with its third
    nearest, to those of one product, at 1: a guess, since what a cosine means differs from model to model.
    """
    joint = pairs["joint"].to_numpy().astype(np.float64)
    ends = np.concatenate([pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()])
    order = np.lexsort((-np.tile(joint, 2), ends))
    starts = np.flatnonzero(np.diff(ends[order], prepend=-1))
    third = starts + np.minimum(2, np.diff(starts, append=len(ends)) - 1)
    usual = float(np.median(np.tile(joint, 2)[order[third]])) if len(joint) else 0.0
    share = (joint - usual) / max(1 - usual, 1e-6)
    logit = SIBLING + (ONE_PRODUCT - SIBLING) * share
    score: Doubles = 1 / (1 + np.exp(-np.clip(logit, -20, 20)))
    return score


def _identical(pairs: pa.Table) -> Mask:
    """(P,) pairs of one content, which says nothing of how alike two listings of one product are."""
    same: Mask = (pairs["joint"].to_numpy() >= IDENTICAL) & ~pairs["conflict"].to_numpy()
    return same
