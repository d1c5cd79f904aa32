"""Groups under the decisions made on them: what is settled, what fell apart, what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

from itemsearch.decisions.statements import Statement
from itemsearch.review.findings import Group, Member


@dataclass(frozen=True, slots=True)
class Part:
    """Members of a group that nobody set apart. confirmed: a person said that they are one product.
    elsewhere: ids outside the group that are the same product too."""

    members: tuple[Member, ...]
    confirmed: bool
    elsewhere: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(member.listing.id for member in self.members)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What was decided about pairs up to the event `seen`, and holds. same: the partners of each listing."""

    seen: int
    pairs: Mapping[tuple[str, str], Statement]
    same: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, seen: int, statements: Sequence[Statement]) -> Self:
        same: dict[str, set[str]] = defaultdict(set)
        for statement in statements:
            if statement.same:
                same[statement.id_a].add(statement.id_b)
                same[statement.id_b].add(statement.id_a)
        pairs = {(statement.id_a, statement.id_b): statement for statement in statements}
        return cls(seen, pairs, {id: frozenset(partners) for id, partners in same.items()})

    def on(self, a: str, b: str) -> bool | None:
        """Whether the two were said to be one product; None where nobody decided."""
        statement = self.pairs.get((min(a, b), max(a, b)))
        return None if statement is None else statement.same

    def decided(self, group: Group) -> bool:
        """Whether each two of a group's listings were decided on."""
        ids = [listing.id for listing in group.listings]
        return all(self.on(a, b) is not None for a, b in combinations(ids, 2))

    def parts(self, group: Group) -> list[Part]:
        """The group without what was set apart: each listing joins the first part that it was not set apart
        from. The largest first."""
        parts: list[list[Member]] = []
        for member in group.members:
            for part in parts:
                if all(self.on(member.listing.id, other.listing.id) is not False for other in part):
                    part.append(member)
                    break
            else:
                parts.append([member])
        inside = {listing.id for listing in group.listings}
        return [self._part(part, inside) for part in sorted(parts, key=len, reverse=True)]

    def _part(self, members: list[Member], inside: set[str]) -> Part:
        ids = [member.listing.id for member in members]
        confirmed = len(ids) > 1 and all(self.on(a, b) for a, b in combinations(ids, 2))
        partners = set().union(*(self.same.get(id, frozenset()) for id in ids))
        return Part(tuple(members), confirmed, tuple(sorted(partners - inside)))
