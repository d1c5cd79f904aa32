"""Labels of pairs of listings, one product or two, as decisions of people make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

ACCEPTED = "accept"
"""The action of labels that a person gave to many groups at once."""


@dataclass(frozen=True, slots=True)
class PairLabel:
    """Two listings are one product (`same`) or two; id_a comes before id_b.

    hash_a, hash_b: the content hashes of the listings at the time of the decision. event, at, action,
    group_id: of the event in the log that made the label; empty before it is recorded. drawn: the tier that
    the group was drawn from at random; "" where it was shown for another reason. who: the person's name; ""
    where it is not known.
    """

    id_a: str
    id_b: str
    same: bool
    hash_a: str
    hash_b: str
    event: int = 0
    at: str = ""
    action: str = ""
    group_id: str = ""
    drawn: str = ""
    who: str = ""

    @property
    def looked_at(self) -> bool:
        """Whether a person looked at the pair: only then does the label say how right the groups are."""
        return self.action != ACCEPTED


@dataclass(frozen=True, slots=True)
class KeeperChoice:
    """A person chose the listing `id` to be kept; content_hash: its own at that time. event, at, who: of the
    event in the log."""

    id: str
    content_hash: str
    event: int
    at: str
    who: str


def all_same(ids: Sequence[str], hashes: Mapping[str, str]) -> list[PairLabel]:
    """Labels that all of `ids` are one product; `hashes` has their content hashes."""
    return [_label(a, b, True, hashes) for a, b in combinations(ids, 2)]


def all_different(ids: Sequence[str], hashes: Mapping[str, str]) -> list[PairLabel]:
    """Labels that no two of `ids` are one product."""
    return [_label(a, b, False, hashes) for a, b in combinations(ids, 2)]


def different_from(ids: Sequence[str], others: Sequence[str], hashes: Mapping[str, str]) -> list[PairLabel]:
    """Labels that none of `ids` is the product of any of `others`."""
    return [_label(a, b, False, hashes) for a, b in product(ids, others)]


def is_valid(label: PairLabel, hashes: Mapping[str, str]) -> bool:
    """Whether both listings exist and have the content of the time of the decision."""
    return hashes.get(label.id_a) == label.hash_a and hashes.get(label.id_b) == label.hash_b


def _label(a: str, b: str, same: bool, hashes: Mapping[str, str]) -> PairLabel:
    first, second = min(a, b), max(a, b)
    return PairLabel(first, second, same, hashes[first], hashes[second])
