"""Figures from ranked answers: a number for each query, and figures of all scored pairs together.

Ties count against a method: among answers of equal score the wrong ones come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Doubles, Floats, Rows

KS = (1, 5, 10)
DEPTH = 10
MOST_DEPTH = 100
TIE = 1e-6
"""Cosines this near to each other are equal: a matrix product rounds equal vectors apart."""
MEAN_F1 = "mean-F1"
LEVELS = 200
"""Thresholds that are tried for the best F1."""
PRECISIONS = (0.90, 0.95)


DEFINITIONS: Mapping[str, str] = {
    "recall@k": "the share of queries with a right answer among the first k.",
    "precision@k": "the share of right answers among the first k, averaged over queries; places that were "
    "left empty count as wrong. Where a query has one right answer, it is at most 1/k.",
    "mAP@R": "of a query with R right answers (100 at most are counted) the first R are looked at: the sum "
    "of the precision at each right one's place, divided by R; averaged over queries.",
    "MRR": "1 / the place of the first right answer, averaged over queries; 0 where none was kept. Ten "
    "answers of each query are kept, more where it has more right ones.",
    "uAP": "micro average precision: all answers kept of all queries in one list by score, the mean of the "
    "precision at each right one's place; right answers that were not kept count as 0. It is high only where "
    "one score means the same for every query.",
    MEAN_F1: "where queries are products themselves, as Shopee's competition counts: what a threshold on the "
    "score accepts, and the query itself, against all listings of its product; the F1 of each query, "
    "averaged. Each half of the products is measured with the other half's best threshold.",
    "recall at precision p": "the largest share of all right pairs that a single threshold on the score "
    "accepts while a share p of what it accepts is right. The threshold stands beside it.",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """The best K answers of one method to Q queries, best first.

    rows (Q, K): of the gallery, -1 where there are fewer. scores (Q, K): never rising along a row, -inf where
    there are fewer. right (Q, K) bool. relevant (Q,): how many right answers the gallery holds, 1 or more.
    """

    rows: Rows
    scores: Floats
    right: npt.NDArray[np.bool_]
    relevant: Rows


def depth_for(relevant: Rows) -> int:
    """How many answers have to be kept for every figure."""
    return int(min(max(DEPTH, relevant.max(initial=0)), MOST_DEPTH))


def best_rows(scores: Floats, right: Rows, own: int, k: int) -> tuple[Rows, Floats]:
    """The best k rows, at most, by (N,) scores, and their scores; a right one comes after what ties with it.

    own: a row that is left out, -1 for none.
    """
    handicapped = scores.astype(np.float64)
    handicapped[right] -= TIE
    if own >= 0:
        handicapped[own] = -np.inf
    some = np.argpartition(-handicapped, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    rows = some[np.argsort(-handicapped[some], kind="stable")]
    rows = rows[np.isfinite(handicapped[rows])]
    return rows, np.minimum.accumulate(scores[rows])


def collect(found: Sequence[tuple[Rows, Floats]], right: Sequence[Rows], k: int) -> Answers:
    """Answers from each query's rows and scores, of which there are k at most. right: Q arrays of rows."""
    rows = np.full((len(found), k), -1)
    scores = np.full((len(found), k), -np.inf, np.float32)
    hits = np.zeros((len(found), k), bool)
    for place, ((near, score), wanted) in enumerate(zip(found, right, strict=True)):
        rows[place, : len(near)] = near
        scores[place, : len(near)] = score
        hits[place, : len(near)] = np.isin(near, wanted)
    return Answers(rows, scores, hits, np.array([len(wanted) for wanted in right]))


def figures_by_query(answers: Answers) -> dict[str, Doubles]:
    """(Q,) for each figure that is a mean over queries."""
    right, depth = answers.right, answers.right.shape[1]
    first = np.where(right.any(axis=1), right.argmax(axis=1) + 1, np.inf)
    hits = right.cumsum(axis=1)
    places = np.arange(1, depth + 1)
    looked_at = np.minimum(answers.relevant, depth)[:, None]
    counted = right & (places <= looked_at)
    return {
        **{f"recall@{k}": (first <= k).astype(float) for k in KS},
        **{f"precision@{k}": right[:, :k].sum(axis=1) / k for k in KS},
        "mAP@R": (counted * hits / places).sum(axis=1) / looked_at[:, 0],
        "MRR": 1 / first,
    }


def mean_f1(answers: Answers, listings: Rows) -> Doubles:
    """(Q,) F1 of what a threshold on the score accepts, each query itself being one of its right answers.

    The threshold is the best one for the products of the other half: it is not chosen on what it is used for.
    products (Q,): numbers from 0.
    """
    figures = np.empty(len(listings))
    for half in (0, 1):
        tested = listings % 2 == half
        learnt = ~tested if (~tested).any() else tested
        levels = np.unique(answers.scores[learnt & np.isfinite(answers.scores[:, 0])])
        levels = levels[np.isfinite(levels)]
        tried = np.append(np.quantile(levels, np.linspace(0, 1, LEVELS)) if len(levels) else [], np.inf)
        best = max(tried, key=lambda least: _f1_at(answers, least)[learnt].mean())
        figures[tested] = _f1_at(answers, best)[tested]
    return figures


def _f1_at(answers: Answers, least: float) -> Doubles:
    accepted = answers.scores >= least
    right = 1 + (accepted & answers.right).sum(axis=1)
    f1: Doubles = 2 * right / (2 + accepted.sum(axis=1) + answers.relevant)
    return f1


@dataclass(frozen=True, slots=True)
class PairCurve:
    """Every answer of every query in one list by score, wrong before right where scores tie.

    Of the P right ones: scores (P,), queries (P,) that they answer, wrong_before (P,). wrong (W,): the
    queries of the wrong ones, in order. relevant (Q,): right answers that there are.
    """

    scores: Floats
    queries: Rows
    wrong_before: Rows
    wrong: Rows
    relevant: Rows

    @classmethod
    def of(cls, answers: Answers) -> PairCurve:
        kept = np.isfinite(answers.scores)
        scores, right = answers.scores[kept], answers.right[kept]
        queries = np.nonzero(kept)[0]
        order = np.lexsort((right, -scores))
        queries, hits = queries[order], right[order]
        before: Rows = np.cumsum(~hits, dtype=np.int64)[hits]
        return cls(scores[order][hits], queries[hits], before, queries[~hits], answers.relevant)

    def points(self, weights: Rows | None = None) -> tuple[Doubles, Doubles]:
        """(P,) precision and recall at each right pair.

        weights (Q,): how often each query counts; once by default.
        """
        weights = np.ones(len(self.relevant), np.int64) if weights is None else weights
        right: Rows = np.cumsum(weights[self.queries])
        wrong = np.concatenate([[0], np.cumsum(weights[self.wrong])])[self.wrong_before]
        return right / np.maximum(right + wrong, 1), right / max(int(weights @ self.relevant), 1)


def average_precision(precision: Doubles, recall: Doubles) -> float:
    """The area under the points of a `PairCurve`."""
    return float(np.diff(recall, prepend=0) @ precision)


def recall_at_precision(precision: Doubles, recall: Doubles, least: float) -> tuple[float, int]:
    """The largest recall at a precision of `least` or more, and the place of its point; 0 and -1 for none."""
    reached = np.flatnonzero(precision >= least)
    return (float(recall[reached[-1]]), int(reached[-1])) if len(reached) else (0.0, -1)
