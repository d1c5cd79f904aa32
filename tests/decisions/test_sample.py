from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from itemsearch.decisions.pair_labels import ACCEPTED, PairLabel, all_different, all_same
from itemsearch.decisions.sample import checked, drawn_place, whole_answer
from itemsearch.probability.estimate import Checked

GROUPS = sorted(([f"{n}-a", f"{n}-b", f"{n}-c"] for n in range(60)), key=drawn_place)
"""In the order in which they are drawn."""


def answered(ids: Sequence[str], same: bool, drawn: str = "", action: str = "") -> list[PairLabel]:
    labels = (all_same if same else all_different)(ids, dict.fromkeys(ids, ""))
    return [
        PairLabel(label.id_a, label.id_b, label.same, "", "", drawn=drawn, action=action) for label in labels
    ]


def test_a_group_has_one_place_whatever_order_its_ids_have_and_joins_it() -> None:
    assert drawn_place(["b", "a", "c"]) == drawn_place(["a", "b"])
    places = np.array([drawn_place([f"{n}"]) for n in range(2000)]) / 2**64
    assert abs(np.histogram(places, 10, (0, 1))[0] - 200).max() < 60


def test_one_different_pair_makes_a_group_wrong_and_one_open_pair_leaves_it_open() -> None:
    assert whole_answer([True, True]) is True
    assert whole_answer([True, None]) is None
    assert whole_answer([None, False]) is False


def test_the_sample_ends_at_the_last_drawn_group_and_counts_all_decided_before() -> None:
    labels = [
        *answered(GROUPS[0], True, "review"),
        *answered(GROUPS[1], False),  # for its doubt: passed over by the draw, and counted
        *answered(GROUPS[3], True, "review"),  # 2 is open
        *answered(GROUPS[9], False),  # for its doubt, and not reached by the draw
    ]
    found = checked(GROUPS, labels, "review")
    assert found is not None
    assert (found.groups, found.right) == (3, 2)
    assert checked(GROUPS, labels, "automatic") is None
    assert checked(GROUPS, [], "review") is None


def test_a_listing_set_apart_makes_a_drawn_group_wrong() -> None:
    a, b, c = GROUPS[0]
    apart = [PairLabel(*sorted((a, other)), False, "", "", drawn="review") for other in (b, c)]
    assert checked(GROUPS, apart, "review") == Checked.of(0, 1)


def test_answers_to_the_doubtful_do_not_bend_the_share() -> None:
    """Three answers of four go to the wrong groups first, as a review by doubt finds them."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(60):
        groups = [[f"{number}-a", f"{number}-b"] for number in rng.permutation(10**6)[:200]]
        right = rng.random(200) < 0.8
        doubtful = list(np.argsort(right, kind="stable"))
        drawn = sorted(range(200), key=lambda place: drawn_place(groups[place]))
        labels: list[PairLabel] = []
        taken: set[int] = set()
        for step in range(80):
            source, tier = (drawn, "review") if step % 4 == 3 else (doubtful, "")
            place = next(place for place in source if place not in taken)
            taken.add(place)
            labels += answered(groups[place], bool(right[place]), tier)
        found = checked(groups, labels, "review")
        assert found is not None
        shares.append(found.share.value - right.mean())
    assert abs(np.mean(shares)) < 0.03
    assert float(np.mean([label.same for label in labels])) < 0.6


def test_the_sample_ends_at_a_group_that_was_accepted_unseen_until_somebody_looks() -> None:
    labels = [
        *answered(GROUPS[0], True, "automatic"),
        *answered(GROUPS[1], False, "automatic"),
        *answered(GROUPS[2], True, action=ACCEPTED),
        *answered(GROUPS[3], False, "automatic"),
    ]
    assert checked(GROUPS, labels, "automatic") == Checked.of(1, 2)
    looked = [*labels[:6], *answered(GROUPS[2], True), *labels[9:]]
    assert checked(GROUPS, looked, "automatic") == Checked.of(2, 4)
    assert checked(GROUPS, labels[6:], "automatic") is None


def test_accepting_the_surest_unseen_does_not_bend_the_share() -> None:
    """Six of ten are right and accepted unseen; then a sample is drawn, of all groups or of those left."""
    rng = np.random.default_rng(0)
    of_all, of_left = [], []
    for _ in range(60):
        groups = [[f"{number}-a", f"{number}-b"] for number in rng.permutation(10**6)[:200]]
        right = rng.random(200) < 0.8
        accepted = set(np.flatnonzero(right)[:120].tolist())
        unseen = {place: answered(groups[place], True, action=ACCEPTED) for place in accepted}
        order = sorted(range(200), key=lambda place: drawn_place(groups[place]))
        for frame, shares in ((order, of_all), ([p for p in order if p not in accepted], of_left)):
            drawn = frame[:40]
            labels = [label for place, own in unseen.items() if place not in drawn for label in own]
            labels += [label for p in drawn for label in answered(groups[p], bool(right[p]), "automatic")]
            found = checked(groups, labels, "automatic")
            shares.append((found.groups, found.share.value - right.mean()) if found else (0, 0.0))
    assert {groups for groups, _ in of_all} == {40}
    assert abs(np.mean([error for _, error in of_all])) < 0.03
    assert max(groups for groups, _ in of_left) < 10  # what is left is no sample


def test_wilsons_interval() -> None:
    """The bounds are those of Wilson's formula in Brown, Cai and DasGupta (2001), at 95%."""
    share = Checked.of(19, 20).share
    assert (round(share.low, 3), share.value, round(share.high, 3)) == (0.764, 0.95, 0.991)
    assert round(Checked.of(20, 20).share.low, 3) == 0.839
    assert Checked.of(0, 3).share.low == 0.0
