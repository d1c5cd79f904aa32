"""What the decisions of people, taken together, say of any two listings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from itemsearch.decisions.pair_labels import KeeperChoice, PairLabel


@dataclass(frozen=True, slots=True)
class Decided:
    """The products that labels make: what is the same as the same is the same, and what is apart from one
    listing of a product is apart from all of them.

    labels: one a pair (id_a, id_b). first: id to the first id of its product, of listings that are one
    product with another. products: first id to all ids of its product, in order. apart: first id, or id of a
    single listing, to those of the products that are decided to be others. keepers: id to the latest choice
    of this listing to be kept.
    """

    labels: Mapping[tuple[str, str], PairLabel] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, Sequence[str]] = field(default_factory=dict)
    apart: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keepers: Mapping[str, KeeperChoice] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Sequence[PairLabel], keepers: Sequence[KeeperChoice] = ()) -> Self:
        """Joins the listings of labels, one a pair, into products; `keepers`, the earliest first.

        No product has two listings that a person decided to be different. Where a chain of labels would join
        such two, its earliest label gives way.
        """
        # Labels, the latest first, of which b-c is different:   c-d same   a-b same   a-c same
        # The products are                                       {c, d}     {a, b}     a-c gives way to b-c
        members: dict[str, set[str]] = {}
        apart: dict[str, set[str]] = defaultdict(set)
        first: dict[str, str] = {}
        for label in labels:
            if not label.same:
                apart[label.id_a].add(label.id_b)
                apart[label.id_b].add(label.id_a)
        same = [label for label in labels if label.same]
        for label in sorted(same, key=lambda label: (-label.event, label.id_a, label.id_b)):
            one, other = sorted(first.get(id, id) for id in (label.id_a, label.id_b))
            if one == other or other in apart[one]:
                continue
            members[one] = members.get(one, {one}) | members.pop(other, {other})
            first.update(dict.fromkeys(members[one], one))
            for third in apart.pop(other, ()):
                apart[third].discard(other)
                apart[third].add(one)
                apart[one].add(third)
        return cls(
            {(label.id_a, label.id_b): label for label in labels},
            first,
            {one: tuple(sorted(ids)) for one, ids in members.items()},
            {one: frozenset(others) for one, others in apart.items() if others},
            {choice.id: choice for choice in keepers},
        )

    def same(self, a: str, b: str) -> bool | None:
        """Whether two listings are one product; None where nobody decided."""
        one, other = self.first.get(a, a), self.first.get(b, b)
        if one == other:
            return True
        return False if other in self.apart.get(one, ()) else None

    def keeper(self, ids: Iterable[str]) -> KeeperChoice | None:
        """The latest choice of one of `ids` to be kept; None where nobody chose."""
        choices = (self.keepers[id] for id in ids if id in self.keepers)
        return max(choices, key=lambda choice: choice.event, default=None)

    def reason(self, a: str, b: str) -> str:
        """Who decided on two listings, and when, as a sentence; of two on which somebody did."""
        same = self.same(a, b)
        words = "one product" if same else "two products"
        label = self.labels.get((min(a, b), max(a, b)))
        if label is None or label.same is not same:
            return f"by what people decided on other pairs they are {words}"
        when = f" on {label.at[:10]}" if label.at else ""
        return f"{label.who or 'a person'} decided{when} that they are {words}"


NOBODY = Decided()
"""Nothing is decided."""
