from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from itemsearch.decisions.decided import Decided
from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.duplicates.groups.form import CHAIN_SPLIT, TOO_LARGE, GroupSettings, group

DecidedPair = tuple[int, int, str]


def catalog(count: int) -> pa.Table:
    return pa.table({"id": [f"p{row:05d}" for row in range(count)], "title": ["mug"] * count})


def decided(pairs: Sequence[DecidedPair], joint: float = 0.9) -> pa.Table:
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


def people(**said: bool) -> Decided:
    """What people decided: p3_5=False says that the listings 3 and 5 are two products."""
    ids = [[f"p{int(number):05d}" for number in name[1:].split("_")] for name in said]
    return Decided.of(
        [PairLabel(a, b, same, "", "") for (a, b), same in zip(ids, said.values(), strict=True)]
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
    parted = group(decided(joined), catalog(3), decided=people(p0_2=False))
    assert ["0", "1", "2"] not in members(parted)
    identical = group(
        decided([(0, row, "duplicate") for row in range(1, 9)], 1.0),
        catalog(9),
        decided=people(p3_5=False),
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


def test_what_people_joined_is_one_confirmed_group_whatever_the_evidence() -> None:
    pairs = [
        (0, 1, "duplicate"),
        (2, 3, "duplicate"),
        (1, 2, "confirmed"),
        (0, 2, "variant"),
        (4, 5, "confirmed"),
    ]
    said = people(p0_1=True, p1_2=True, p2_3=True, p4_5=True)
    # As a run decides them: 0-2 follows from the others.
    pairs = [(a, b, "confirmed") for a, b, _ in pairs]
    groups = group(decided(pairs), catalog(6), GroupSettings(max_size=3), said)
    assert members(groups) == [["0", "1", "2", "3"], ["4", "5"]]
    assert (only(groups, "tier"), only(groups, "flag"), only(groups, "probability")) == ("confirmed", None, 1)


def test_a_confirmed_group_grows_by_duplicates_and_counts_as_one_listing() -> None:
    pairs = [
        (0, 1, "confirmed"),
        (0, 2, "confirmed"),
        (1, 2, "confirmed"),
        (2, 3, "duplicate"),
        (0, 4, "review"),
    ]
    said = people(p0_1=True, p0_2=True, p1_2=True)
    groups = group(decided(pairs), catalog(5), decided=said)
    assert members(groups) == [["0", "1", "2", "3"]]
    assert only(groups, "tier") == "automatic"
    apart = group(decided([*pairs, (1, 3, "variant")]), catalog(5), decided=said)
    assert (members(apart), only(apart, "tier")) == ([["0", "1", "2"]], "confirmed")


def test_identical_listings_of_a_confirmed_one_still_count_as_one() -> None:
    star = [(0, row, "duplicate") for row in range(1, 20)]
    star[0] = (0, 1, "confirmed")
    groups = group(decided(star, 1.0), catalog(20), decided=people(p0_1=True))
    assert list(map(len, members(groups))) == [20]
    parted = group(
        decided([*star, (1, 7, "rejected")], 1.0), catalog(20), decided=people(p0_1=True, p1_7=False)
    )
    assert list(map(len, members(parted))) == [19]


def sparse_crowd(size: int, landmarks: int) -> list[DecidedPair]:
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


def test_what_people_joined_brings_no_listing_into_a_crowd_from_which_they_told_it_apart() -> None:
    pairs = [*sparse_crowd(400, landmarks=16), (399, 400, "confirmed"), (5, 400, "rejected")]
    groups = group(decided(pairs), catalog(401), decided=people(p399_400=True, p5_400=False))
    (one,) = [ids for ids in members(groups) if "400" in ids]
    assert "399" in one
    assert "5" not in one
