from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.duplicates.groups.form import new_group_id
from itemsearch.duplicates.groups.history import Changes, name_groups, read_groups
from itemsearch.duplicates.types import GROUPS_SCHEMA
from itemsearch.errors import UsageError

NOTHING = GROUPS_SCHEMA.empty_table()
NO_CHANGE = Changes((), {}, {}, (), {})


def found(*groups: str) -> pa.Table:
    """Groups of listings of one letter, with the ids that `group` gives."""
    rows = [
        {"group_id": new_group_id(min(ids)), "id": id, "keeper": id == min(ids), "tier": "automatic"}
        for ids in groups
        for id in ids
    ]
    return pa.Table.from_pylist(rows, GROUPS_SCHEMA)


def ids(groups: pa.Table) -> Mapping[str, str]:
    """The listings of each group, to its id."""
    members: dict[str, str] = {}
    for row in groups.to_pylist():
        members[row["group_id"]] = members.get(row["group_id"], "") + row["id"]
    return {"".join(sorted(listings)): name for name, listings in members.items()}


def test_unchanged_groups_keep_their_ids_and_nothing_changes() -> None:
    first, changes = name_groups(found("abc", "de"), NOTHING)
    assert sorted(changes.new) == sorted(ids(first).values())
    for earlier in (first, first.take([4, 3, 2, 1, 0])):
        again, changes = name_groups(found("de", "abc"), earlier)
        assert ids(again) == ids(first)
        assert changes == NO_CHANGE
        assert changes.empty


def test_a_group_keeps_its_id_as_listings_come_and_go() -> None:
    first, _ = name_groups(found("bc"), NOTHING)
    grown, changes = name_groups(found("abc"), first)
    name = ids(first)["bc"]
    assert ids(grown) == {"abc": name}
    assert changes.changed == {name: {"added": ("a",), "removed": ()}}
    shrunk, changes = name_groups(found("ac"), grown)
    assert ids(shrunk) == {"ac": name}
    assert changes.changed == {name: {"added": (), "removed": ("b",)}}


def test_the_largest_part_inherits_and_the_rest_is_new() -> None:
    first, _ = name_groups(found("abcde"), NOTHING)
    name = ids(first)["abcde"]
    parted, changes = name_groups(found("ab", "cde"), first)
    assert ids(parted)["cde"] == name
    other = ids(parted)["ab"]
    assert other != name  # though its first listing is the one that the id was made of
    assert changes.split == {name: tuple(sorted((name, other)))}
    assert not changes.new
    again, changes = name_groups(found("abcde"), parted)
    assert ids(again) == {"abcde": name}
    assert changes.merged == {name: tuple(sorted((name, other)))}
    assert not changes.gone


def test_groups_that_are_gone_and_new_are_told() -> None:
    first, _ = name_groups(found("ab", "cd"), NOTHING)
    second, changes = name_groups(found("cd", "xy"), first)
    assert changes.gone == (ids(first)["ab"],)
    assert changes.new == (ids(second)["xy"],)
    assert (changes.merged, changes.split, changes.changed) == ({}, {}, {})


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_groups(tmp_path / "groups.parquet")
    (tmp_path / "groups.parquet").write_text("no Parquet")
    with pytest.raises(UsageError, match="no groups of an earlier run"):
        read_groups(tmp_path / "groups.parquet")
    pq.write_table(found("ab"), tmp_path / "groups.parquet")
    assert read_groups(tmp_path / "groups.parquet").num_rows == 2
