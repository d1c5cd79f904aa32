"""Applies decisions to groups: which groups are decided, and the parts that decisions leave of a group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.decisions.remarks import Remarks
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
    """What people decided and remarked, up to the event `seen`. decided_groups: ids of the groups, every pair
    of which is decided."""

    seen: int = -1
    people: Decided = NOBODY
    remarks: Remarks = field(default_factory=Remarks)
    decided_groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, seen: int, people: Decided, remarks: Remarks, groups: Iterable[GroupCard]) -> Self:
        """What stands after the event `seen`, and which of `groups` are decided by it."""
        standing = cls(seen, people)
        decided = frozenset(group.id for group in groups if standing._decides(group))
        return cls(seen, people, remarks, decided)

    def of_pair(self, a: str, b: str) -> bool | None:
        """Whether two listings are one product; None where nobody decided."""
        return self.people.same(a, b)

    def decided(self, group: GroupCard) -> bool:
        """Whether every pair of the listings of one of the groups is decided."""
        return group.id in self.decided_groups

    def answer(self, group: GroupCard) -> bool | None:
        """Whether a group's listings are all one product; None where nobody looked and decided."""
        ids = sorted(listing.id for listing in group.listings)
        return whole_answer(self._looked_at(a, b) for a, b in combinations(ids, 2))

    def deciders(self, group: GroupCard) -> set[str]:
        """The names of those whose decisions on a group's pairs stand; "" for one without a name."""
        ids = sorted(listing.id for listing in group.listings)
        labels = (self.people.labels.get(pair) for pair in combinations(ids, 2))
        return {label.who for label in labels if label}

    def accepts(self, group: GroupCard) -> bool:
        """Whether a group can be accepted as it is: something is undecided, and nothing was told apart."""
        return not self.decided(group) and len(self.parts(group)) == 1

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

    def _decides(self, group: GroupCard) -> bool:
        first = group.listings[0].id
        if first not in self.people.first and first not in self.people.apart:
            return False  # nobody decided on it: of most groups nothing else has to be asked
        ids = [listing.id for listing in group.listings]
        return all(self.of_pair(a, b) is not None for a, b in combinations(ids, 2))

    def _looked_at(self, a: str, b: str) -> bool | None:
        label = self.people.labels.get((a, b))
        return None if label and not label.looked_at else self.of_pair(a, b)

    def _part(self, members: list[GroupMember], inside: set[str]) -> GroupPart:
        ids = [member.listing.id for member in members]
        confirmed = len(ids) > 1 and all(self.of_pair(a, b) for a, b in combinations(ids, 2))
        products = {self.people.first[id] for id in ids if id in self.people.first}
        partners = set().union(*(self.people.products[first] for first in products))
        return GroupPart(tuple(members), confirmed, tuple(sorted(partners - inside)))
