from __future__ import annotations

import numpy as np
import pytest
from faiss.contrib.evaluation import range_PR, range_PR_multiple_thresholds
from sklearn.metrics import average_precision_score, precision_recall_curve

from itemsearch.benchmarks.metrics.ranked import (
    Answers,
    PairCurve,
    average_precision,
    best_rows,
    collect,
    depth_for,
    figures_by_query,
    mean_f1,
    recall_at_precision,
)

NO_ANSWERS = np.empty(0, np.int64), np.empty(0, np.float32)


def random_answers(
    seed: int, values: int, queries: int = 30, rows: int = 40
) -> tuple[Answers, np.ndarray, list[np.ndarray]]:
    """Answers by random scores of `values` distinct values, the (Q, N) scores, and the right rows."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, values, (queries, rows)) / values).astype(np.float32)
    right = [rng.choice(rows, rng.integers(1, 5), replace=False) for _ in range(queries)]
    kept = [best_rows(score, wanted, -1, 12) for score, wanted in zip(scores, right, strict=True)]
    kept[0] = NO_ANSWERS  # a query that was not answered at all
    return collect(kept, right, 12), scores, right


def slow_ranking(scores: list[float], right: set[int], own: int) -> list[bool]:
    """Whether each answer is right, sorted by hand: by score, of equal ones the wrong first."""
    rows = [row for row in range(len(scores)) if row != own]
    return [row in right for row in sorted(rows, key=lambda row: (-scores[row], row in right))]


@pytest.mark.parametrize("values", [3, 1000])
def test_the_best_rows_are_those_sorted_by_hand(values: int) -> None:
    rng = np.random.default_rng(values)
    for _ in range(100):
        scores = rng.integers(0, values, 20).astype(np.float32)
        right = rng.choice(20, 3, replace=False)
        own = int(rng.choice([-1, *(row for row in range(20) if row not in right)]))
        rows, kept = best_rows(scores, right, own, 8)
        assert np.isin(rows, right).tolist() == slow_ranking(scores.tolist(), set(right.tolist()), own)[:8]
        assert own not in rows
        assert (np.diff(kept) <= 0).all()


def test_scores_that_differ_by_rounding_tie() -> None:
    scores = np.array([0.5, 0.5 - 2e-7, 0.1], np.float32)
    rows, kept = best_rows(scores, np.array([0]), -1, 3)
    assert rows.tolist() == [1, 0, 2]
    assert kept[0] == kept[1]  # they tie in the list of all pairs too


@pytest.mark.parametrize("values", [4, 1000])
def test_figures_of_a_query_are_as_counted_one_by_one(values: int) -> None:
    answers, scores, right = random_answers(1, values)
    figures = figures_by_query(answers)
    for query in range(1, len(scores)):
        hits = slow_ranking(scores[query].tolist(), set(right[query].tolist()), -1)[:12]
        relevant = len(right[query])
        for k in (1, 5, 10):
            assert figures[f"recall@{k}"][query] == any(hits[:k])
            assert figures[f"precision@{k}"][query] == pytest.approx(sum(hits[:k]) / k)
        precisions = [sum(hits[: place + 1]) / (place + 1) * hits[place] for place in range(relevant)]
        assert figures["mAP@R"][query] == pytest.approx(sum(precisions) / relevant)
        first = next((place + 1 for place, hit in enumerate(hits) if hit), float("inf"))
        assert figures["MRR"][query] == pytest.approx(1 / first)
    assert all(values[0] == 0 for values in figures.values())


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # FAISS leaves its threads open
def test_precision_is_what_faiss_counts() -> None:
    answers, _, right = random_answers(2, 1000)
    # FAISS counts the answered queries alone; places left empty count as wrong here.
    answered = slice(1, None)
    limits = np.concatenate([[0], np.cumsum([len(wanted) for wanted in right[answered]])])
    for k in (1, 5, 10):
        found = answers.rows[answered, :k]
        precision, _ = range_PR(
            limits,
            np.concatenate(right[answered]),
            np.arange(len(found) + 1) * k,
            found.ravel(),
            mode="overall",
        )
        assert figures_by_query(answers)[f"precision@{k}"][answered].mean() == pytest.approx(precision)


def test_micro_average_precision_is_scikit_learns_where_nothing_ties() -> None:
    rng = np.random.default_rng(3)
    scores = rng.permutation(600).reshape(30, 20).astype(np.float32)
    right = [rng.choice(20, rng.integers(1, 5), replace=False) for _ in range(30)]
    kept = [best_rows(score, wanted, -1, 12) for score, wanted in zip(scores, right, strict=True)]
    answers = collect(kept, right, 12)
    found, total = answers.right.sum(), answers.relevant.sum()
    assert found < total
    weights = rng.integers(0, 4, 30)
    for weight in (np.ones(30, np.int64), weights):
        theirs = average_precision_score(
            answers.right.ravel(), answers.scores.ravel(), sample_weight=np.repeat(weight, 12)
        )
        # scikit-learn knows only of the right answers that were kept.
        share = (weight @ answers.right.sum(axis=1)) / (weight @ answers.relevant)
        assert average_precision(*PairCurve.of(answers).points(weight)) == pytest.approx(theirs * share)


def test_micro_average_precision_with_ties_is_the_worst_order() -> None:
    answers, _, _ = random_answers(4, 5)
    pairs = [
        (score, hit)
        for scores, hits in zip(answers.scores, answers.right, strict=True)
        for score, hit in zip(scores, hits, strict=True)
        if np.isfinite(score)
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1]))
    total, right = 0.0, 0
    for place, (_, hit) in enumerate(pairs):
        right += hit
        total += hit * right / (place + 1)
    ours = average_precision(*PairCurve.of(answers).points())
    assert ours == pytest.approx(total / answers.relevant.sum())
    assert ours <= average_precision_score([hit for _, hit in pairs], [score for score, _ in pairs])


@pytest.mark.parametrize("values", [5, 1000])
@pytest.mark.parametrize("least", [0.2, 0.5, 0.99])
def test_recall_at_a_precision_is_that_of_the_best_threshold(values: int, least: float) -> None:
    answers, _, _ = random_answers(5, values)
    curve = PairCurve.of(answers)
    recall, place = recall_at_precision(*curve.points(), least)
    kept = np.isfinite(answers.scores)
    hits, scores = answers.right[kept], answers.scores[kept]
    reached = [
        hits[scores >= threshold].sum() / answers.relevant.sum()
        for threshold in np.unique(scores)
        if hits[scores >= threshold].mean() >= least
    ]
    assert recall == pytest.approx(max(reached, default=0.0))
    if place >= 0:
        accepted = hits[scores >= curve.scores[place]]
        assert accepted.mean() >= least
        assert accepted.sum() / answers.relevant.sum() == pytest.approx(recall)
    precision, recalls, _ = precision_recall_curve(hits, scores)
    theirs = recalls[precision >= least].max() * hits.sum() / answers.relevant.sum()
    assert recall == pytest.approx(theirs)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # FAISS leaves its threads open
def test_the_curve_is_faisss() -> None:
    answers, _, right = random_answers(6, 1000)
    curve = PairCurve.of(answers)
    precision, recall = curve.points()
    kept = np.isfinite(answers.scores)
    limits = np.concatenate([[0], kept.sum(axis=1).cumsum()])
    wanted = np.concatenate([[0], np.cumsum([len(rows) for rows in right])])
    thresholds = np.unique(-curve.scores)
    # FAISS accepts what is nearer than a threshold: distances, so that a score is its negative.
    theirs, their_recall = range_PR_multiple_thresholds(
        wanted,
        np.concatenate(right),
        limits,
        -answers.scores[kept],
        answers.rows[kept],
        np.nextafter(thresholds, np.inf, dtype=np.float32),
        mode="overall",
    )
    last = [np.flatnonzero(-curve.scores == threshold)[-1] for threshold in thresholds]
    np.testing.assert_allclose(precision[last], theirs)
    np.testing.assert_allclose(recall[last], their_recall)


def test_mean_f1_counts_the_query_itself() -> None:
    answers, _, _ = random_answers(7, 1000, queries=60)
    products = np.arange(60)
    figures = mean_f1(answers, products)

    def slow(query: int, least: float) -> float:
        hits = answers.right[query][answers.scores[query] >= least]
        predicted, true = 1 + len(hits), 1 + answers.relevant[query]
        return 2 * (1 + hits.sum()) / (predicted + true)

    for half in (0, 1):
        mine = [query for query in range(60) if query % 2 == half]
        thresholds = [*np.unique(answers.scores[np.isfinite(answers.scores)]), np.inf]
        reachable = [[slow(query, least) for query in mine] for least in thresholds]
        assert any(np.allclose(figures[mine], one) for one in reachable)
    assert figures[0] == 2 / (2 + answers.relevant[0])  # not answered: only itself


def test_no_answers_at_all() -> None:
    answers = collect([NO_ANSWERS, NO_ANSWERS], [np.array([1]), np.array([2, 3])], 10)
    assert all((values == 0).all() for values in figures_by_query(answers).values())
    points = PairCurve.of(answers).points()
    assert average_precision(*points) == 0
    assert recall_at_precision(*points, 0.9) == (0.0, -1)


def test_as_many_answers_are_kept_as_a_query_has_right_ones() -> None:
    assert [depth_for(np.array(relevant)) for relevant in ([1, 3], [1, 30], [1, 3000])] == [10, 30, 100]


def test_the_worked_examples_of_the_module() -> None:
    right = [np.array([0]), np.array([1]), np.array([0, 2]), np.array([3])]
    rows = [np.array([0, 1, 2])] * 3 + [np.array([0])]
    scores = [np.array([0.9, 0.8, 0.7], np.float32)] * 3 + [np.array([0.9], np.float32)]
    figures = figures_by_query(collect(list(zip(rows, scores, strict=True)), right, 3))
    assert figures["recall@1"].tolist() == [1, 0, 1, 0]
    assert figures["MRR"].tolist() == [1, 0.5, 1, 0]
    assert figures["mAP@R"].tolist() == [1, 0, 0.5, 0]
    best, kept = best_rows(np.array([0.9, 0.9, 0.5, 0.7], np.float32), np.array([0]), 3, 4)
    assert best.tolist() == [1, 0, 2]
    assert kept.tolist() == pytest.approx([0.9, 0.9, 0.5])
    pairs = [(np.array([0]), np.array([score], np.float32)) for score in (0.9, 0.8, 0.7, 0.6)]
    curve = PairCurve.of(collect(pairs, [np.array([query % 2]) for query in range(4)], 1))
    assert curve.queries.tolist() == [0, 2]
    assert curve.wrong_before.tolist() == [0, 1]
    assert curve.wrong.tolist() == [1, 3]
    assert average_precision(*curve.points()) == pytest.approx(5 / 12)
