"""What a decision says of pairs of listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product


@dataclass(frozen=True, slots=True)
class Statement:
    """id_a comes before id_b. `event` made it, at the time `at`, about the group `group_id`."""

    id_a: str
    id_b: str
    same: bool
    hash_a: str
    hash_b: str
    event: int = 0
    at: str = ""
    kind: str = ""
    group_id: str = ""


def same_product(ids: Sequence[str], hashes: Mapping[str, str]) -> list[Statement]:
    """That all of `ids` are one product; `hashes` has their content hashes."""
    return [_statement(a, b, True, hashes) for a, b in combinations(ids, 2)]


def all_different(ids: Sequence[str], hashes: Mapping[str, str]) -> list[Statement]:
    """That no two of `ids` are one product."""
    return [_statement(a, b, False, hashes) for a, b in combinations(ids, 2)]


def apart(ids: Sequence[str], others: Sequence[str], hashes: Mapping[str, str]) -> list[Statement]:
    """That none of `ids` is the product of any of `others`."""
    return [_statement(a, b, False, hashes) for a, b in product(ids, others)]


def holding(statements: Sequence[Statement], hashes: Mapping[str, str]) -> list[Statement]:
    """Those whose two listings are what they were; `hashes` has the content hash of each listing there is."""
    return [s for s in statements if hashes.get(s.id_a) == s.hash_a and hashes.get(s.id_b) == s.hash_b]


def _statement(a: str, b: str, same: bool, hashes: Mapping[str, str]) -> Statement:
    first, second = min(a, b), max(a, b)
    return Statement(first, second, same, hashes[first], hashes[second])
