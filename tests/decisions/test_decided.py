from __future__ import annotations

import random
from itertools import combinations

import pytest

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.decisions.pair_labels import KeeperChoice, PairLabel


def label(pair: str, same: bool, event: int = 1, at: str = "") -> PairLabel:
    return PairLabel(pair[0], pair[1], same, "", "", event, at)


def test_the_same_as_the_same_is_the_same_and_apart_from_one_is_apart_from_all() -> None:
    people = Decided.of([label("ab", True), label("bc", True), label("cd", False), label("de", True)])
    assert people.products == {"a": ("a", "b", "c"), "d": ("d", "e")}
    assert people.same("a", "c")
    assert people.same("e", "a") is False
    assert people.same("a", "x") is None
    assert NOBODY.same("a", "b") is None


def test_no_product_has_two_listings_that_a_person_told_apart() -> None:
    early, late = label("ab", True, 1), label("bc", True, 2)
    for event in (0, 9):  # whether the rejection was made before or after
        people = Decided.of([early, late, label("ac", False, event)])
        assert people.products == {"b": ("b", "c")}  # the earliest of the chain gives way
        assert people.same("a", "b") is False


def test_who_decided_and_when_is_said() -> None:
    people = Decided.of(
        [label("ab", True, 1, "2026-01-02T03:04:05+00:00"), label("bc", True), label("cd", False)]
    )
    assert people.reason("b", "a") == "a person decided on 2026-01-02 that they are one product"
    assert people.reason("a", "c") == "by what people decided on other pairs they are one product"
    assert people.reason("c", "d") == "a person decided that they are two products"


def test_of_several_chosen_keepers_the_latest_is_kept() -> None:
    choices = [KeeperChoice(id, "", event, "", "") for id, event in (("a", 3), ("b", 4), ("a", 7))]
    people = Decided.of([], choices)
    kept = people.keeper("xab")
    assert kept is not None
    assert (kept.id, kept.event) == ("a", 7)
    assert people.keeper("bx") == choices[1]
    assert people.keeper("xy") is None


@pytest.mark.parametrize("seed", range(30))
def test_products_are_those_of_a_slow_obvious_way(seed: int) -> None:
    """Joins in the same order, and looks at every pair of listings each time."""
    rng = random.Random(seed)
    pairs = rng.sample(["".join(pair) for pair in combinations("abcdefgh", 2)], 12)
    labels = [label(pair, rng.random() < 0.7, event) for event, pair in enumerate(pairs)]
    rejected = {frozenset((each.id_a, each.id_b)) for each in labels if not each.same}
    products = [{id} for id in "abcdefgh"]
    for each in sorted((each for each in labels if each.same), key=lambda each: -each.event):
        one, other = (next(ids for ids in products if id in ids) for id in (each.id_a, each.id_b))
        if one is not other and not any(frozenset((x, y)) in rejected for x in one for y in other):
            one |= other
            products.remove(other)
    people = Decided.of(labels)
    assert sorted(people.products.values()) == sorted(tuple(sorted(ids)) for ids in products if len(ids) > 1)
    for a, b in combinations("abcdefgh", 2):
        one, other = (next(ids for ids in products if id in ids) for id in (a, b))
        apart = any(frozenset((x, y)) in rejected for x in one for y in other)
        assert people.same(b, a) is (True if one is other else False if apart else None)
