"""Deciding without labels, on catalogs made of numbers: siblings, duplicates, crowds."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from itemsearch.decode import decode
from itemsearch.probability.agreement import learn_weights
from itemsearch.probability.compared import ComparedPairs
from itemsearch.probability.estimate import estimate, sibling_doubt, threshold_for
from itemsearch.probability.mixture import CURVE, Fitted, Siblings, fit
from itemsearch.probability.model import Curve, Model
from itemsearch.probability.refine import refine


def made(products: int, again: int, seed: int = 0, family: int = 6) -> tuple[ComparedPairs, np.ndarray]:
    """Products in families of siblings, the first `again` listed twice; pairs, and which are one product."""
    rng = np.random.default_rng(seed)
    family_of = np.concatenate([np.arange(products) // family, np.arange(again) // family])
    product = np.concatenate([np.arange(products), np.arange(again)])
    a, b = np.triu_indices(len(product), 1)
    near = family_of[a] == family_of[b]
    near |= rng.random(len(a)) < 8 / len(product)
    a, b = a[near], b[near]
    same = product[a] == product[b]
    strength = np.where(same, rng.normal(1.5, 1.8, len(a)), rng.normal(-5, 1.2, len(a)))
    return ComparedPairs(len(product), a, b, strength, np.full(len(a), 0.8), nothing(len(a))), same


def nothing(pairs: int) -> np.ndarray:
    return np.empty((pairs, 0), np.int64)


@pytest.fixture(scope="module")
def usual() -> tuple[ComparedPairs, np.ndarray, Fitted]:
    pairs, same = made(600, 120)
    return pairs, same, fit(pairs, across=False)


def error(probability: np.ndarray, same: np.ndarray) -> float:
    kept = probability >= 0.01
    place = np.minimum((probability * 10).astype(int), 9)
    parts = [kept & (place == bin) for bin in range(10)]
    return sum(abs(float((probability - same)[part].sum())) for part in parts) / kept.sum()


def test_most_duplicates_are_found_and_probabilities_are_right(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    _, same, fitted = usual
    found = fitted.probability >= 0.5
    assert same[found].mean() > 0.9
    assert found[same].mean() > 0.8
    assert error(fitted.probability, same) < 0.1


@pytest.mark.parametrize("across", [False, True])
def test_a_catalog_without_duplicates_has_next_to_none(across: bool) -> None:
    pairs, _ = made(600, 0)
    sure = fit(pairs, across).probability
    assert (sure >= 0.5).sum() <= 3
    assert sure.sum() < 30


def test_what_siblings_account_for_is_not_expected_to_be_duplicates() -> None:
    for again, least in ((0, 0.0), (20, 0.3), (300, 0.9)):
        pairs, _ = made(600, again)
        siblings = Siblings(CURVE[False], 0.025)
        plain, lowered = fit(pairs, across=False), fit(pairs, False, siblings)
        assert least <= lowered.probability.sum() / plain.probability.sum() <= 1
        assert lowered.too_high <= plain.too_high
        assert np.array_equal(np.argsort(lowered.logit), np.argsort(plain.logit))
        assert lowered.model.curve.slope == plain.model.curve.slope
    pairs, _ = made(600, 0)
    assert fit(pairs, False, siblings).probability.sum() < 0.2 * fit(pairs, False).probability.sum() + 1


def test_half_duplicated() -> None:
    pairs, same = made(400, 400)
    fitted = fit(pairs, across=False)
    assert fitted.probability[same].mean() > 0.7
    assert same[fitted.probability >= 0.5].mean() > 0.9


def test_better_evidence_never_makes_a_pair_less_probable(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    _, _, fitted = usual
    model = replace(fitted.model, curve=Curve(1.2, 0.5, -1.0, 20, 0.7, -0.6))
    rising = np.linspace(-12, 12, 400)
    for each in (fitted.model, model):
        assert (np.diff(each.odds(each.adjust(rising, np.full(400, -4.0)))) >= 0).all()
        assert (np.diff(each.probability(rising, np.full(400, 0.8))) >= 0).all()
        assert (np.diff(each.probability(np.full(400, 5.0), np.linspace(0, 1, 400))) >= 0).all()
    candidates = [
        fitted.model.score_new(np.array([s, -1.0, -3.0, -4.0]), np.full(4, 0.8), np.full(4, -4.0))[0]
        for s in rising
    ]
    assert (np.diff(candidates) >= -1e-12).all()


def test_a_rival_makes_a_pair_less_probable_unless_it_is_alike_to_both() -> None:
    pairs, _ = made(600, 120)
    lone = ComparedPairs(
        pairs.listings + 3,
        np.append(pairs.a, [720, 720]),
        np.append(pairs.b, [721, 722]),
        np.append(pairs.strength, [2.0, 2.0]),
        np.append(pairs.support, [0.8, 0.8]),
        nothing(len(pairs.a) + 2),
    )
    closed = replace(
        lone,
        a=np.append(lone.a, 721),
        b=np.append(lone.b, 722),
        strength=np.append(lone.strength, 2.0),
        support=np.append(lone.support, 0.8),
        levels=nothing(len(lone.a) + 1),
    )
    split = fit(lone, across=False).probability[-2:]
    three = fit(closed, across=False).probability[-3:]
    assert (split < 0.5).all()
    assert (three > 0.6).all()


def test_a_crowd_is_one_product() -> None:
    pairs, _ = made(600, 60)
    a, b = np.triu_indices(30, 1)
    crowd = ComparedPairs(
        pairs.listings + 30,
        np.append(pairs.a, a + pairs.listings),
        np.append(pairs.b, b + pairs.listings),
        np.append(pairs.strength, np.full(len(a), 11.0)),
        np.append(pairs.support, np.ones(len(a))),
        nothing(len(pairs.a) + len(a)),
    )
    assert (fit(crowd, across=False).probability[-len(a) :] > 0.9).all()


def test_what_is_near_zero_on_every_piece_is_never_automatic() -> None:
    """Listings that lost their picture: no mean stands for it, and the score alone cannot make it sure."""
    pairs, same = made(600, 120)
    lost = np.where(np.arange(len(same)) % 7 == 0, np.nan, 0.9)
    pieces = np.column_stack([np.full(len(same), 0.12), lost])
    given = ComparedPairs.from_scores(pairs.listings, pairs.a, pairs.b, np.full(len(same), 0.999), pieces)
    assert (given.support[np.isnan(lost)] == 0.12).all()
    sure = fit(given, across=False).probability[np.isnan(lost)]
    assert sure.max() < 0.02


def test_missing_evidence_is_none() -> None:
    with_nothing = ComparedPairs.from_scores(2, [0], [1], [0.5], [[np.nan, np.nan]])
    assert with_nothing.support.tolist() == [0.0]
    assert with_nothing.strength.tolist() == [0.0]


def test_no_pairs() -> None:
    fitted = fit(ComparedPairs.from_scores(3, [], [], [], np.empty((0, 2))), across=True)
    assert len(fitted.probability) == 0
    assert threshold_for(fitted.probability, 0.95) is None


def test_a_few_labels_move_the_curve_and_many_replace_it(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    _, same, fitted = usual
    wrong = fitted.with_curve(Curve(0.65, 3.0))  # far too sure
    offered = np.flatnonzero(wrong.probability > 0.1)
    drawn = np.random.default_rng(0).permutation(offered)
    few = wrong.with_curve(refine(wrong, drawn[:10], same[drawn[:10]]))
    many = wrong.with_curve(refine(wrong, drawn[:200], same[drawn[:200]]))
    errors = [error(each.probability, same) for each in (wrong, few, many)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1


def test_positives_alone_do_not_change_how_many_there_are(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    _, same, fitted = usual
    named = np.flatnonzero(same)[:40]
    refined = fitted.with_curve(refine(fitted, named, same[named]))
    assert refined.probability.sum() == pytest.approx(fitted.probability.sum(), rel=0.25)


def test_labels_of_a_part_do_not_flood_the_reviewer(usual: tuple[ComparedPairs, np.ndarray, Fitted]) -> None:
    """Labelled pairs of a high score only, most of them of one product, say nothing of the faint ones."""
    _, same, fitted = usual
    high = np.flatnonzero((fitted.logit > 1) & same)[:60]
    near = np.flatnonzero((fitted.logit > 1) & ~same)[:2]
    labelled = np.concatenate([high, near])
    refined = fitted.with_curve(refine(fitted, labelled, same[labelled]))
    faint = fitted.logit < 1
    assert (refined.probability[faint] <= fitted.probability[faint] + 1e-12).all()
    assert (refined.probability >= 0.25).sum() <= (fitted.probability >= 0.25).sum() + 20


def test_labels_of_the_doubtful_do_not_make_the_sure_surer(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    """Doubtful pairs that are all right, and few labels above: where labels are enough, nothing is held."""
    _, same, fitted = usual
    doubtful = np.argsort(abs(fitted.probability - 0.5))[:40]
    high = np.flatnonzero((fitted.probability > 0.9) & same)
    sure = fitted.probability > 0.95
    right = np.ones(48, bool)
    few = fitted.with_curve(refine(fitted, np.append(doubtful, high[:8]), right, np.ones(48, bool)))
    assert few.probability[doubtful].mean() > 0.6
    assert (few.probability[sure] <= fitted.probability[sure] + 1e-12).all()
    both = np.concatenate([doubtful, high])
    many = fitted.with_curve(refine(fitted, both, np.ones(len(both), bool), np.ones(len(both), bool)))
    assert many.probability[sure].mean() > fitted.probability[sure].mean()
    order = np.argsort(fitted.logit)
    assert (np.diff(few.model.curve.apply(fitted.logit[order])) >= 0).all()


def test_drawn_pairs_that_are_all_right_count_and_named_ones_do_not(
    usual: tuple[ComparedPairs, np.ndarray, Fitted],
) -> None:
    """Whoever names pairs of one product passes over the others; whoever answers on drawn pairs does not."""
    fitted = usual[2]
    places = np.random.default_rng(0).permutation(np.flatnonzero(fitted.probability > 0.25))[:60]
    right = np.ones(60, bool)
    named = fitted.with_curve(refine(fitted, places, right))
    drawn = fitted.with_curve(refine(fitted, places, right, right))
    assert drawn.probability.sum() > named.probability.sum() + 5


def test_a_threshold_keeps_what_it_promises(usual: tuple[ComparedPairs, np.ndarray, Fitted]) -> None:
    _, same, fitted = usual
    least = threshold_for(fitted.probability, 0.95)
    assert least is not None
    passed = fitted.probability >= least
    said = estimate(fitted.probability, passed, least)
    assert said.precision.value >= 0.95
    assert said.precision.low <= same[fitted.probability >= least].mean() <= 1
    assert said.recall.low <= said.recall.value <= said.recall.high
    assert said.precision.high - said.precision.low > (
        (closer := estimate(fitted.probability, passed, least, labels=200)).precision.high
        - closer.precision.low
    )


@pytest.mark.parametrize("across", [False, True])
def test_siblings_widen_the_interval_downwards(across: bool) -> None:
    some, none = fit(made(600, 300)[0], across), fit(made(600, 0)[0], across)
    assert some.too_high < 0.5
    assert none.too_high > 2
    passed = some.probability >= 0.9
    plain = estimate(some.probability, passed, 0.9).precision
    wide = estimate(some.probability, passed, 0.9, too_high=2.0).precision
    assert wide.low < plain.low - 0.05
    assert (wide.value, wide.high) == (plain.value, plain.high)


def test_strong_pairs_that_are_nobodys_best_are_doubted() -> None:
    pairs, _ = made(600, 300)
    strength = np.where(np.random.default_rng(1).random(len(pairs.a)) < 0.1, 2.0, pairs.strength)
    weights = np.ones(len(pairs.a))
    likely = np.full(len(pairs.a), 0.5)
    muddled = sibling_doubt(replace(pairs, strength=strength), likely, weights)
    assert muddled > sibling_doubt(pairs, likely, weights) + 0.5


def test_a_threshold_that_keeps_nothing_is_none() -> None:
    assert threshold_for(np.array([0.6, 0.5]), 0.95) is None
    assert threshold_for(np.array([0.99, 0.97, 0.6]), 0.95) == 0.97


def test_a_model_is_plain_numbers(usual: tuple[ComparedPairs, np.ndarray, Fitted]) -> None:
    model = usual[2].model
    assert decode(Model, json.loads(json.dumps(asdict(model)))) == model


def test_an_incoming_listing(usual: tuple[ComparedPairs, np.ndarray, Fitted]) -> None:
    _, _, fitted = usual
    support, levels = np.full(5, 0.8), np.full(5, -5.0)
    clear = fitted.model.score_new(np.array([3.0, -4.0, -5.0, -5.0, -6.0]), support, levels)
    torn = fitted.model.score_new(np.array([3.0, 3.0, -5.0, -5.0, -6.0]), support, levels)
    assert clear[0] > 0.8
    assert clear[1:].max() < 0.1
    assert torn[:2].max() < 0.5
    assert fitted.model.score_new(np.empty(0), np.empty(0), np.empty(0)).shape == (0,)


def test_a_column_that_agrees_is_learnt_and_a_missing_one_weighs_nothing() -> None:
    pairs, same = made(600, 120)
    rng = np.random.default_rng(3)
    agrees = np.where(rng.random(len(same)) < np.where(same, 0.9, 0.2), 1, 0)
    levels = np.where(rng.random(len(same)) < 0.3, -1, agrees)[:, None]
    given = fit(replace(pairs, levels=levels), across=False)
    ((worse, better),) = given.model.agreement
    assert worse < -0.5 < 0.5 < better
    without = fit(pairs, across=False)
    loss = [-np.log(np.where(same, f.probability, 1 - f.probability)).sum() for f in (given, without)]
    assert loss[0] < loss[1]
    none = fit(replace(pairs, levels=np.full_like(levels, -1)), across=False)
    assert np.allclose(none.probability, without.probability)


def test_better_agreement_never_weighs_less() -> None:
    levels = np.array([[0], [1], [2]] * 40)
    sure = np.tile([0.5, 0.9, 0.1], 40)  # the best level is of others: a chance of few pairs
    (weights,) = learn_weights(levels, sure, 1 - sure)
    assert list(weights) == sorted(weights)
