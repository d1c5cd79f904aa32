from __future__ import annotations

from collections.abc import Sequence

import pytest

from itemsearch.duplicates.types import Tier
from itemsearch.review.cards import GroupCard, GroupMember, ListingCard
from itemsearch.review.order import EVERY, Order, draw, in_order, mix


def card(id: str, probabilities: Sequence[float], tier: Tier = Tier.REVIEW) -> GroupCard:
    """A group of a keeper and a listing for each probability."""
    members = [
        GroupMember(ListingCard(0, f"{id}-{place}", "", "", "", "", False), place == 0, probability, None)
        for place, probability in enumerate([1.0, *probabilities])
    ]
    return GroupCard(id, tier, "", tuple(members))


def test_what_removes_most_doubt_teaches_most() -> None:
    groups = [
        card("certain", [0.99]),
        card("automatic", [0.7], Tier.AUTOMATIC),
        card("even", [0.5]),
        card("two", [0.6, 0.6]),
        card("crowd", [0.97] * 20),
    ]
    by_teaching = [group.id for group in in_order(groups, Order.TEACHES)]
    assert by_teaching == ["crowd", "two", "even", "automatic", "certain"]
    assert [group.id for group in in_order(groups, Order.WORTH)][-1] == "automatic"
    assert next(group.id for group in in_order(groups, Order.PROBABILITY)) == "certain"


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 40])
def test_every_fourth_place_has_the_next_of_the_draw(count: int) -> None:
    groups = in_order([card(f"g{n}", [n / 40]) for n in range(count)], Order.TEACHES)
    drawn = draw(groups)
    offers = list(mix(groups, drawn))
    assert sorted(offer.group.id for offer in offers) == sorted(group.id for group in groups)
    assert [offer.drawn for offer in offers] == [place % EVERY == EVERY - 1 for place in range(count)]
    taken: set[str] = set()
    for offer in offers:
        source = drawn if offer.drawn else groups
        assert offer.group is next(group for group in source if group.id not in taken)
        taken.add(offer.group.id)


def test_the_draw_is_the_same_for_everybody_and_in_no_order_of_evidence() -> None:
    groups = [card(f"g{n}", [n / 100]) for n in range(100)]
    drawn = draw(groups)
    assert drawn == draw(groups[::-1])
    mean = sum(group.probability for group in drawn[:50]) / 50
    everybody = sum(group.probability for group in groups) / 100
    assert abs(mean - everybody) < 0.05
