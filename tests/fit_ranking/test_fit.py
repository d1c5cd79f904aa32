from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from itemsearch.errors import ModelError
from itemsearch.fit_ranking.fit import LabelledEvidence, fit_ranking, joint, recall_at_1
from itemsearch.ranking.evidence import KINDS, Evidence
from itemsearch.ranking.ranking import KNOTS, RANKING_FILE, SLOPES, Ranking, read_ranking

FEATURES = ("stream", "image", "colour", "words", "rare_words")


def some_queries(kind: str, count: int, seed: int = 0) -> list[LabelledEvidence]:
    """Ten candidates each; the image says which is right, the stream and the words are noise."""
    rng = np.random.default_rng(seed)
    labelled = []
    for _ in range(count):
        same = np.arange(10) == rng.integers(10)
        features = rng.uniform(0, 1, (10, 5)).astype(np.float32)
        features[:, 1] = np.where(same, 0.8, 0.5) + rng.normal(0, 0.08, 10)
        unknown = np.full(10, np.nan, np.float32)
        kinds = np.full(10, KINDS.index(kind))
        labelled.append(LabelledEvidence(Evidence(features[:, 0], unknown, unknown, features, kinds), same))
    return labelled


def test_the_piece_that_tells_is_weighed_most() -> None:
    labelled = some_queries("both", 200)
    ranking = fit_ranking(labelled, FEATURES)
    slopes = dict(zip(FEATURES, ranking.slopes["both"], strict=True))
    assert sum(slopes["image"]) > 5 * max(sum(slopes[name]) for name in FEATURES if name != "image")
    fresh = some_queries("both", 200, seed=1)
    assert recall_at_1(fresh, ranking.score) > 0.9 > 0.3 > recall_at_1(fresh, joint)


def test_scores_are_as_sure_as_they_are_right() -> None:
    ranking = fit_ranking(some_queries("both", 400), FEATURES)
    fresh = some_queries("both", 400, seed=1)
    scores = np.concatenate([ranking.score(query.evidence) for query in fresh])
    same = np.concatenate([query.same for query in fresh])
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores.mean() == pytest.approx(same.mean(), abs=0.02)
    middling = (scores > 0.3) & (scores < 0.7)
    assert same[middling].mean() == pytest.approx(scores[middling].mean(), abs=0.15)


def test_a_curve_may_bend_and_never_falls() -> None:
    rng = np.random.default_rng(0)
    labelled = some_queries("both", 300)
    for query in labelled:  # the colour tells by nothing but being all but the same
        colour = np.where(query.same, 0.97, rng.uniform(0, 0.93, 10))
        query.evidence.features[:, 2] = colour
    ranking = fit_ranking(labelled, FEATURES)
    slopes = np.array(ranking.slopes["both"])
    assert (slopes >= 0).all()
    assert slopes[2, -2:].sum() > slopes[2, 0]


def test_listings_without_a_second_one_make_it_less_sure_and_leave_the_order() -> None:
    labelled = some_queries("both", 200)
    alone = [
        LabelledEvidence(query.evidence, np.zeros(10, bool)) for query in some_queries("both", 200, seed=2)
    ]
    plain, wary = fit_ranking(labelled, FEATURES), fit_ranking([*labelled, *alone], FEATURES)
    evidence = some_queries("both", 1, seed=3)[0].evidence
    first, second = plain.score(evidence), wary.score(evidence)
    assert second.max() < first.max()
    assert (np.argsort(first) == np.argsort(second)).all()
    assert recall_at_1([*labelled, *alone], wary.score) == recall_at_1(labelled, wary.score)


def test_kinds_that_were_not_asked_for_keep_the_prior() -> None:
    ranking = fit_ranking(some_queries("both", 100), FEATURES)
    for kind, slopes, bias in (
        ("title", [4, 0, 0, 4, 4], -8.4),
        ("image", [4, 4, 4, 0, 0], -8.4),
        ("neither", [4, 0, 0, 0, 0], -2.8),
        ("numbered", [4, 0, 0, 4, 4], -8.4),
    ):
        fitted = np.array(ranking.slopes[kind])
        np.testing.assert_allclose(fitted[:, 0], slopes)
        assert not fitted[:, 1:].any()
        assert ranking.biases[kind] == pytest.approx(bias)


def test_what_a_kind_lacks_is_not_weighed() -> None:
    slopes = np.array(fit_ranking(some_queries("title", 100), FEATURES).slopes["title"])
    assert not slopes[1:3].any()


def test_the_score_is_the_slow_obvious_one() -> None:
    ranking = fit_ranking(some_queries("both", 50), FEATURES)
    evidence = some_queries("both", 1, seed=3)[0].evidence
    for features, score in zip(evidence.features, ranking.score(evidence), strict=True):
        logit = ranking.biases["both"]
        for feature, (start, *bends) in zip(features, ranking.slopes["both"], strict=True):
            logit += start * feature
            logit += sum(bend * max(feature - knot, 0) for bend, knot in zip(bends, KNOTS, strict=True))
        assert score == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)


def test_a_ranking_is_the_same_when_read_back(tmp_path: Path) -> None:
    ranking = fit_ranking(some_queries("both", 50), FEATURES)
    (tmp_path / RANKING_FILE).write_text(json.dumps(ranking.describe()))
    assert read_ranking(tmp_path) == ranking


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": ["stream"], "slopes": {"both": [1]}}'])
def test_a_damaged_ranking_is_told(tmp_path: Path, text: str) -> None:
    assert read_ranking(tmp_path) is None
    (tmp_path / RANKING_FILE).write_text(text)
    with pytest.raises(ModelError, match=r"ranking\.json: no ranking .* fit-ranking again"):
        read_ranking(tmp_path)


def test_no_candidates_have_no_scores() -> None:
    evidence = some_queries("both", 1)[0].evidence
    none = Evidence(*(getattr(evidence, field.name)[:0] for field in dataclasses.fields(evidence)))
    assert fit_ranking(some_queries("both", 50), FEATURES).score(none).shape == (0,)


def test_titles_with_numbers_are_weighed_apart_and_keep_the_order_beside_others() -> None:
    """Rare words tell where both titles have a digit, and mislead elsewhere; half of the candidates have."""
    rng = np.random.default_rng(0)
    fitted, fresh = ([_two_kinds(rng) for _ in range(400)] for _ in range(2))
    ranking = fit_ranking(fitted, FEATURES)
    rare = FEATURES.index("rare_words")
    assert sum(ranking.slopes["numbered"][rare]) > 5 * sum(ranking.slopes["title"][rare])
    assert recall_at_1(fresh, ranking.score) > 0.9


def _two_kinds(rng: np.random.Generator) -> LabelledEvidence:
    same = np.arange(10) == rng.integers(10)
    kinds = np.where(np.arange(10) % 2, KINDS.index("numbered"), KINDS.index("title"))
    features = rng.uniform(0, 0.5, (10, 5)).astype(np.float32)
    tells = np.where(kinds == KINDS.index("numbered"), FEATURES.index("rare_words"), FEATURES.index("words"))
    features[np.arange(10), tells] = np.where(same, 0.7, 0.4) + rng.normal(0, 0.03, 10)
    features[kinds == KINDS.index("title"), FEATURES.index("rare_words")] = rng.uniform(0, 1, 5)
    unknown = np.full(10, np.nan, np.float32)
    return LabelledEvidence(Evidence(features[:, 0], unknown, unknown, features, kinds), same)


def test_a_kind_without_queries_is_read_as_any_other_of_its_modalities() -> None:
    ranking = fit_ranking(some_queries("title", 100), FEATURES)
    assert ranking.slopes["numbered"] == ranking.slopes["title"]
    assert ranking.biases["numbered"] == ranking.biases["title"]


def test_a_ranking_from_before_numbered_titles_were_a_kind_is_read() -> None:
    described = fit_ranking(some_queries("title", 50), FEATURES).describe()
    for by_kind in (described["slopes"], described["biases"]):
        del by_kind["numbered"]
    ranking = Ranking.from_description(described)
    assert ranking.slopes["numbered"] == ranking.slopes["title"]


def test_curves_of_another_length_are_refused() -> None:
    curve = (1.0,) * SLOPES
    described = Ranking(("stream",), dict.fromkeys(KINDS, (curve,)), dict.fromkeys(KINDS, 0.0)).describe()
    assert Ranking.from_description(described).features == ("stream",)
    described["slopes"]["both"]["stream"] = [1.0]
    with pytest.raises(ValueError, match="7 slopes a feature"):
        Ranking.from_description(described)
