"""Retrieval measures of ranked answers: per query, and over all (query, answer) pairs sorted by score.

Ties count against a method: among answers of equal score the wrong ones come first.

A worked example, four queries with three answers each, best first (R right, w wrong, - no answer):

    query  answers  relevant  recall@1  MRR  mAP@R
    0      R w w    1         1         1    1/1 = 1
    1      w R w    1         0         1/2  0 (only the first R = 1 answers count)
    2      R w R    2         1         1    (1/1 + 0) / 2 = 1/2
    3      w - -    1         0         0    0

recall@1 is 2/4, MRR (1 + 1/2 + 1 + 0) / 4 = 0.625, and mAP@R 1.5 / 4 = 0.375.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from itemsearch.indexes.arrays import Doubles, Floats, Ints, Mask, Rows

KS = (1, 5, 10)
MIN_DEPTH = 10
MAX_DEPTH = 100
TIE = 1e-6
"""Cosines that differ by less are equal: a matrix product rounds the cosines of equal vectors differently."""
MEAN_F1 = "mean-F1"
THRESHOLDS = 200
"""The number of thresholds that are tried for the best F1."""
PRECISIONS = (0.90, 0.95)

DEFINITIONS: Mapping[str, str] = {
    "recall@k": "the share of queries with a right answer among the first k.",
    "precision@k": "the share of right answers among the first k, averaged over queries; missing answers "
    "count as wrong. For a query with one right answer it is at most 1/k.",
    "mAP@R": "for a query with R right answers (100 at most are counted), the precision at the rank of each "
    "right answer among the first R, summed and divided by R; averaged over queries.",
    "MRR": "1 / the rank of the first right answer, averaged over queries; 0 where none was kept. Ten "
    "answers of each query are kept, more where it has more right ones.",
    "uAP": "micro average precision: all kept answers of all queries are sorted by score, and the precision "
    "at the rank of each right answer is averaged; right answers that were not kept count as 0. It is high "
    "only where a score means the same for every query.",
    MEAN_F1: "for queries that are listings of the catalog, as in Shopee's competition: the answers that a "
    "threshold on the score accepts, and the query itself, are compared with all listings of its product; "
    "the F1 of each query, averaged. Each half of the products is measured with the other half's best "
    "threshold.",
    "recall at precision p": "the largest share of all right pairs that a single threshold on the score "
    "accepts while a share p of the accepted pairs is right. The threshold is given beside it.",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """The best K answers of one method to Q queries, best first.

    Attributes:
        rows: (Q, K) int64 rows of the gallery, -1 where there are fewer than K answers.
        scores: (Q, K) float32, never increasing along a row, -inf where there are fewer than K answers.
        right: (Q, K) bool, whether an answer is right.
        relevant: (Q,) int64 number of right answers in the gallery, 1 or more.
    """

    rows: Rows
    scores: Floats
    right: Mask
    relevant: Rows


def depth_for(relevant: Rows) -> int:
    """The number of answers that all measures need. relevant: (Q,) right answers of each query."""
    return int(min(max(MIN_DEPTH, relevant.max(initial=0)), MAX_DEPTH))


def best_rows(scores: Floats, right: Rows, own: int, k: int) -> tuple[Rows, Floats]:
    """The best rows of one query, k at most, with a right row after the wrong rows that tie with it.

    Args:
        scores: (N,) scores of the gallery; -inf excludes a row.
        right: the right rows.
        own: the row of the query itself, which is excluded; -1 for none.

    Returns:
        (k',) rows and their (k',) scores, best first, k' <= k.

    Four rows of scores 0.9, 0.9, 0.5, 0.7, of which row 0 is right and row 3 is the query itself, give
    rows 1, 0, 2: row 0 ties with row 1 and loses.
    """
    handicapped = scores.astype(np.float64)
    handicapped[right] -= TIE
    if own >= 0:
        handicapped[own] = -np.inf
    some = np.argpartition(-handicapped, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    rows = some[np.argsort(-handicapped[some], kind="stable")]
    rows = rows[np.isfinite(handicapped[rows])]
    return rows, np.minimum.accumulate(scores[rows])


def collect(ranked: Sequence[tuple[Rows, Floats]], right: Sequence[Rows], k: int) -> Answers:
    """Answers of Q queries, padded to K = k.

    Args:
        ranked: of each query its rows and their scores, best first, k at most.
        right: of each query its right rows.
    """
    rows = np.full((len(ranked), k), -1)
    scores = np.full((len(ranked), k), -np.inf, np.float32)
    hits = np.zeros((len(ranked), k), bool)
    for query, ((query_rows, query_scores), right_rows) in enumerate(zip(ranked, right, strict=True)):
        rows[query, : len(query_rows)] = query_rows
        scores[query, : len(query_rows)] = query_scores
        hits[query, : len(query_rows)] = np.isin(query_rows, right_rows)
    return Answers(rows, scores, hits, np.array([len(right_rows) for right_rows in right]))


def figures_by_query(answers: Answers) -> dict[str, Doubles]:
    """(Q,) float64 values of each measure that is a mean over queries."""
    right, depth = answers.right, answers.right.shape[1]
    first = np.where(right.any(axis=1), right.argmax(axis=1) + 1, np.inf)
    hits = right.cumsum(axis=1)
    ranks = np.arange(1, depth + 1)
    cutoff = np.minimum(answers.relevant, depth)[:, None]
    counted = right & (ranks <= cutoff)
    return {
        **{f"recall@{k}": (first <= k).astype(float) for k in KS},
        **{f"precision@{k}": right[:, :k].sum(axis=1) / k for k in KS},
        "mAP@R": (counted * hits / ranks).sum(axis=1) / cutoff[:, 0],
        "MRR": 1 / first,
    }


def mean_f1(answers: Answers, products: Ints) -> Doubles:
    """(Q,) F1 of the answers that a threshold on the score accepts; each query counts as its own answer.

    Products are split in two halves, and the threshold of each half is the best one for the other half.

    Args:
        products: (Q,) product numbers of the queries, from 0.
    """
    f1 = np.empty(len(products))
    for half in (0, 1):
        test = products % 2 == half
        train = ~test if (~test).any() else test
        levels = np.unique(answers.scores[train & np.isfinite(answers.scores[:, 0])])
        levels = levels[np.isfinite(levels)]
        quantiles = np.quantile(levels, np.linspace(0, 1, THRESHOLDS)) if len(levels) else []
        candidates = np.append(quantiles, np.inf)
        best = max(candidates, key=lambda threshold: _f1_at(answers, threshold)[train].mean())
        f1[test] = _f1_at(answers, best)[test]
    return f1


def _f1_at(answers: Answers, threshold: float) -> Doubles:
    accepted = answers.scores >= threshold
    right = 1 + (accepted & answers.right).sum(axis=1)
    f1: Doubles = 2 * right / (2 + accepted.sum(axis=1) + answers.relevant)
    return f1


@dataclass(frozen=True, slots=True)
class PairCurve:
    """All (query, answer) pairs sorted by score, best first; where scores tie, wrong pairs come first.

    Attributes:
        scores: (P,) scores of the P right pairs.
        queries: (P,) queries of the right pairs.
        wrong_before: (P,) number of wrong pairs before each right pair.
        wrong: (W,) queries of the W wrong pairs, in order.
        relevant: (Q,) number of right answers of each query in the gallery.

    Four pairs, of queries 0 to 3 and scores 0.9 right, 0.8 wrong, 0.7 right, 0.6 wrong, where each query has
    one right answer: scores = [0.9, 0.7], queries = [0, 2], wrong_before = [0, 1], wrong = [1, 3], relevant
    = [1, 1, 1, 1]. The points are precision [1/1, 2/3] and recall [1/4, 2/4], so that uAP is
    1/4 * 1 + 1/4 * 2/3 = 0.417.
    """

    scores: Floats
    queries: Rows
    wrong_before: Rows
    wrong: Rows
    relevant: Rows

    @classmethod
    def of(cls, answers: Answers) -> PairCurve:
        """Sorts the pairs of all queries."""
        kept = np.isfinite(answers.scores)
        scores, right = answers.scores[kept], answers.right[kept]
        queries = np.nonzero(kept)[0]
        order = np.lexsort((right, -scores))
        queries, hits = queries[order], right[order]
        before: Rows = np.cumsum(~hits, dtype=np.int64)[hits]
        return cls(scores[order][hits], queries[hits], before, queries[~hits], answers.relevant)

    def points(self, weights: Rows | None = None) -> tuple[Doubles, Doubles]:
        """(P,) precision and (P,) recall at each right pair.

        Args:
            weights: (Q,) number of times that each query counts; None for once each.
        """
        weights = np.ones(len(self.relevant), np.int64) if weights is None else weights
        right: Rows = np.cumsum(weights[self.queries])
        wrong = np.concatenate([[0], np.cumsum(weights[self.wrong])])[self.wrong_before]
        return right / np.maximum(right + wrong, 1), right / max(int(weights @ self.relevant), 1)


def average_precision(precision: Doubles, recall: Doubles) -> float:
    """The area under the precision-recall points of a `PairCurve`."""
    return float(np.diff(recall, prepend=0) @ precision)


def recall_at_precision(precision: Doubles, recall: Doubles, min_precision: float) -> tuple[float, int]:
    """The largest recall at that precision or a higher one, and the index of its point; 0 and -1 for none."""
    reached = np.flatnonzero(precision >= min_precision)
    return (float(recall[reached[-1]]), int(reached[-1])) if len(reached) else (0.0, -1)
