"""Applies decisions to groups: which groups are decided, and the parts that decisions leave of a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.decisions.sample import whole_answer
from itemsearch.review.cards import GroupCard, GroupMember


@dataclass(frozen=True, slots=True)
class GroupPart:
    """Members of a group that nobody decided to be different. confirmed: a person decided that they are one
    product. elsewhere: the ids of listings outside the group that are the same product."""

    members: tuple[GroupMember, ...]
    confirmed: bool
    elsewhere: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the members, in order."""
        return tuple(member.listing.id for member in self.members)


@dataclass(frozen=True, slots=True)
class StandingLabels:
    """The valid labels of pairs up to the event `seen`. same: id to the ids that are the same product."""

    seen: int
    pairs: Mapping[tuple[str, str], PairLabel]
    same: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, seen: int, labels: Sequence[PairLabel]) -> Self:
        """The labels up to the event `seen`, one a pair."""
        same: dict[str, set[str]] = defaultdict(set)
        for label in labels:
            if label.same:
                same[label.id_a].add(label.id_b)
                same[label.id_b].add(label.id_a)
        pairs = {(label.id_a, label.id_b): label for label in labels}
        return cls(seen, pairs, {id: frozenset(partners) for id, partners in same.items()})

    def of_pair(self, a: str, b: str) -> bool | None:
        """Whether two listings are one product; None where nobody decided."""
        label = self.pairs.get((min(a, b), max(a, b)))
        return None if label is None else label.same

    def decided(self, group: GroupCard) -> bool:
        """Whether every pair of a group's listings has a label."""
        ids = [listing.id for listing in group.listings]
        return all(self.of_pair(a, b) is not None for a, b in combinations(ids, 2))

    def answer(self, group: GroupCard) -> bool | None:
        """Whether a group's listings are all one product; None where that is not decided."""
        ids = [listing.id for listing in group.listings]
        return whole_answer(self.of_pair(a, b) for a, b in combinations(ids, 2))

    def parts(self, group: GroupCard) -> list[GroupPart]:
        """Splits a group by its labels, the largest part first: each listing joins the first part that has no
        listing which is different from it."""
        parts: list[list[GroupMember]] = []
        for member in group.members:
            for part in parts:
                if all(self.of_pair(member.listing.id, other.listing.id) is not False for other in part):
                    part.append(member)
                    break
            else:
                parts.append([member])
        inside = {listing.id for listing in group.listings}
        return [self._part(part, inside) for part in sorted(parts, key=len, reverse=True)]

    def _part(self, members: list[GroupMember], inside: set[str]) -> GroupPart:
        ids = [member.listing.id for member in members]
        confirmed = len(ids) > 1 and all(self.of_pair(a, b) for a, b in combinations(ids, 2))
        partners = set().union(*(self.same.get(id, frozenset()) for id in ids))
        return GroupPart(tuple(members), confirmed, tuple(sorted(partners - inside)))
