from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from itemsearch.duplicates.groups.form import CHAIN_SPLIT, TOO_LARGE, GroupSettings, group

Decided = tuple[int, int, str]


def catalog(count: int) -> pa.Table:
    return pa.table({"id": [f"p{row:05d}" for row in range(count)], "title": ["mug"] * count})


def decided(pairs: Sequence[Decided], joint: float = 0.9) -> pa.Table:
    a, b, decisions = zip(*pairs, strict=True)
    return pa.table(
        {
            "row_a": a,
            "row_b": b,
            "probability": pa.array([0.99] * len(a), pa.float32()),
            "joint": pa.array([joint] * len(a), pa.float32()),
            "decision": decisions,
        }
    )


def members(groups: pa.Table) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for row in groups.to_pylist():
        found.setdefault(row["group_id"], []).append(row["id"].lstrip("p0") or "0")
    return sorted(sorted(ids, key=int) for ids in found.values())


def only(groups: pa.Table, column: str) -> Any:
    (value,) = set(groups[column].to_pylist())
    return value


def test_a_chain_is_split_and_flagged() -> None:
    chain = [(row, row + 1, "duplicate") for row in range(25)]
    groups = group(decided(chain), catalog(26))
    assert max(map(len, members(groups))) <= 3
    assert (only(groups, "flag"), only(groups, "tier")) == (CHAIN_SPLIT, "review")


def test_three_listings_that_two_pairs_hold_together_are_one_group() -> None:
    groups = group(decided([(0, 1, "duplicate"), (1, 2, "duplicate")]), catalog(3))
    assert members(groups) == [["0", "1", "2"]]
    assert only(groups, "tier") == "automatic"
    assert groups["keeper"].to_pylist() == [True, False, False]


def test_twenty_thousand_identical_listings_are_one_flagged_group() -> None:
    star = [(0, row, "duplicate") for row in range(1, 20_000)]
    started = time.process_time()
    groups = group(decided(star, joint=1.0), catalog(20_000))
    assert time.process_time() - started < 5
    assert groups.num_rows == 20_000
    assert groups["keeper"].to_pylist().count(True) == 1
    assert (only(groups, "flag"), only(groups, "tier")) == (TOO_LARGE, "review")


def test_variants_and_rejected_pairs_are_in_no_group_together() -> None:
    pairs = [(0, 1, "duplicate"), (1, 2, "duplicate"), (0, 2, "variant")]
    assert all(len(ids) == 2 for ids in members(group(decided(pairs), catalog(3))))
    joined = [(0, 1, "duplicate"), (1, 2, "duplicate")]
    parted = group(decided(joined), catalog(3), rejected={("p00000", "p00002")})
    assert ["0", "1", "2"] not in members(parted)
    identical = group(
        decided([(0, row, "duplicate") for row in range(1, 9)], 1.0),
        catalog(9),
        rejected={("p00003", "p00005")},
    )
    assert members(identical) == [["0", "1", "2", "3", "4", "6", "7", "8"]]


def test_a_doubtful_pair_takes_no_listing_into_a_sure_group() -> None:
    pairs = [(0, 1, "duplicate"), (1, 2, "review"), (3, 4, "review")]
    groups = group(decided(pairs), catalog(5))
    assert members(groups) == [["0", "1"], ["3", "4"]]
    assert groups["tier"].to_pylist() == ["automatic"] * 2 + ["review"] * 2


def test_groups_do_not_depend_on_the_order_of_rows() -> None:
    chain = [(row, row + 1, "duplicate") for row in range(11)]
    turned = [(11 - a, 11 - b, decision) for a, b, decision in reversed(chain)]
    reversed_rows = catalog(12).take(list(range(11, -1, -1)))
    assert group(decided(chain), catalog(12)).equals(group(decided(turned), reversed_rows))


def test_a_group_above_the_size_is_flagged_and_none_is_fine() -> None:
    clique = [(a, b, "duplicate") for a in range(5) for b in range(a + 1, 5)]
    assert only(group(decided(clique), catalog(5), GroupSettings(max_size=4)), "flag") == TOO_LARGE
    assert only(group(decided(clique), catalog(5), GroupSettings(max_size=5)), "flag") is None
    nothing = decided([(0, 1, "variant")])
    assert group(nothing, catalog(2)).num_rows == 0
    assert group(nothing.slice(0, 0), catalog(2)).num_rows == 0


def sparse_crowd(size: int, landmarks: int) -> list[Decided]:
    """Each listing is paired with the landmarks and with the next ten: a small share of all pairs."""
    near = {(row, row + step) for row in range(size) for step in range(1, 11) if row + step < size}
    with_all = {(one, row) for one in range(landmarks) for row in range(one + 1, size)}
    return [(one, other, "duplicate") for one, other in sorted(near | with_all)]


def test_a_crowd_too_large_to_compare_all_of_it_is_one_flagged_group() -> None:
    groups = group(decided(sparse_crowd(400, landmarks=16)), catalog(400))
    assert list(map(len, members(groups))) == [400]
    assert (only(groups, "flag"), only(groups, "tier")) == (TOO_LARGE, "review")


def test_a_crowd_with_a_conflict_and_a_small_one_are_grouped_by_density() -> None:
    conflict = [*sparse_crowd(400, landmarks=16)[:-1], (398, 399, "variant")]
    assert max(map(len, members(group(decided(conflict), catalog(400))))) < 400
    assert max(map(len, members(group(decided(sparse_crowd(90, landmarks=6)), catalog(90))))) < 90


def test_two_crowds_that_a_few_pairs_connect_are_two_groups() -> None:
    one = sparse_crowd(150, landmarks=16)
    other = [(a + 150, b + 150, decision) for a, b, decision in one]
    bridge = [(row, 150 + row, "duplicate") for row in range(5)]
    assert list(map(len, members(group(decided([*one, *other, *bridge]), catalog(300))))) == [150, 150]
