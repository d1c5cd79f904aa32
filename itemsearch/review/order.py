"""The orders in which groups are offered, and the random draws among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from itemsearch.decisions.sample import drawn_place
from itemsearch.duplicates.types import Tier
from itemsearch.review.cards import GroupCard

EVERY = 4
"""Every so-manieth place is for a group that is drawn at random: a guess, which leaves most answers to what
teaches most, and gives a sample of 20 within 80."""


class Order(StrEnum):
    """What comes first. Addresses hold the value."""

    TEACHES = "teaches"
    WORTH = "worth"
    PROBABILITY = "probability"


NAMES = {
    Order.TEACHES: "what teaches most",
    Order.WORTH: "what settles most",
    Order.PROBABILITY: "the most probable",
}
_KEYS: Mapping[Order, Callable[[GroupCard], tuple[object, ...]]] = {
    Order.TEACHES: lambda group: (-group.doubt, group.id),
    Order.WORTH: lambda group: (group.tier is Tier.AUTOMATIC, -group.value, group.id),
    Order.PROBABILITY: lambda group: (-group.probability, group.id),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A group on a page. drawn: its place is one of those for groups drawn at random."""

    group: GroupCard
    drawn: bool = False


def in_order(groups: Sequence[GroupCard], order: Order) -> list[GroupCard]:
    """The groups in an order, ties by id; confirmed ones come last: nothing is left to decide there."""
    key = _KEYS[order]
    return sorted(groups, key=lambda group: (group.tier is Tier.CONFIRMED, *key(group)))


def draw(groups: Sequence[GroupCard]) -> list[GroupCard]:
    """The groups in the order in which they are drawn: the first of them are a uniform sample."""
    return sorted(groups, key=lambda group: drawn_place(listing.id for listing in group.listings))


def mix(groups: Sequence[GroupCard], drawn: Sequence[GroupCard]) -> Iterator[Offer]:
    """Yields the groups in their order, but that every `EVERY`-th place has the next one that is drawn.

    Args:
        groups: in order. drawn: the same groups in the order of `draw`.
    """
    # Groups a b c d e f g h, of which f, b and h are drawn first, come as a b c F d e g H: b was taken.
    sources = {True: iter(drawn), False: iter(groups)}
    taken: set[str] = set()
    for place in range(len(groups)):
        is_draw = place % EVERY == EVERY - 1
        group = next(group for group in sources[is_draw] if group.id not in taken)
        taken.add(group.id)
        yield Offer(group, is_draw)
