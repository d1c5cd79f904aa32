"""Keeps group ids from one run to the next, and lists the groups that changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.duplicates.groups.form import new_group_id
from itemsearch.errors import UsageError

Members = Mapping[str, frozenset[str]]
"""Group id to the ids of its listings."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The content of `changes.json`: group ids, each list in order.

    new: groups of listings that were in no group. merged: a group to the several earlier groups of its
    listings. split: an earlier group to the several groups of its listings. gone: earlier groups whose
    listings are in no group any more. changed: a group that kept its id to the ids of listings "added" and
    "removed".
    """

    new: tuple[str, ...]
    merged: Mapping[str, tuple[str, ...]]
    split: Mapping[str, tuple[str, ...]]
    gone: tuple[str, ...]
    changed: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.new or self.merged or self.split or self.gone or self.changed)


def read_groups(path: Path) -> pa.Table:
    """Reads the columns group_id and id of the `groups.parquet` of an earlier run.

    Raises:
        UsageError: the file is missing or damaged.
    """
    try:
        return pq.read_table(path, columns=["group_id", "id"], page_checksum_verification=True)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; name the folder of an earlier run") from error
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path}: no groups of an earlier run ({error})") from error


def name_groups(groups: pa.Table, earlier: pa.Table) -> tuple[pa.Table, Changes]:
    """Gives groups the ids of the earlier groups that they continue, and lists the changes.

    An earlier group passes its id to the group that has most of its listings; a group that gets several ids
    keeps that of which it has most listings. A group that gets none has an id made from its listings' ids,
    not a count, so that equal groups have equal ids in every run.

    Args:
        groups: `GROUPS_SCHEMA`, with ids as `group` makes them.
        earlier: columns group_id and id at least; empty where there was no run.
    """
    members, before = _members(groups), _members(earlier)
    shared = _overlaps(members, before)
    inherited = _inherited_ids(shared, members, before)
    ids = _group_ids(members, inherited, before)
    renamed = pa.array([ids[name] for name in groups["group_id"].to_pylist()], pa.string())
    place = groups.column_names.index("group_id")
    named = groups.set_column(place, groups.schema.field(place), renamed)
    return named, _changes({ids[name]: listings for name, listings in members.items()}, before)


def _members(groups: pa.Table) -> dict[str, frozenset[str]]:
    members = defaultdict(list)
    for name, id in zip(groups["group_id"].to_pylist(), groups["id"].to_pylist(), strict=True):
        members[name].append(id)
    return {name: frozenset(ids) for name, ids in members.items()}


def _overlaps(groups: Members, before: Members) -> Counter[tuple[str, str]]:
    """(Earlier group, group) to the number of listings that they share."""
    earlier_of = {id: name for name, ids in before.items() for id in ids}
    return Counter((earlier_of[id], name) for name, ids in groups.items() for id in ids if id in earlier_of)


def _inherited_ids(shared: Counter[tuple[str, str]], groups: Members, before: Members) -> dict[str, str]:
    """Group to the earlier group whose id it keeps."""
    best_heir: dict[str, tuple[str, str]] = {}
    for pair in sorted(shared, key=lambda pair: (-shared[pair], min(groups[pair[1]]))):
        best_heir.setdefault(pair[0], pair)
    inherited: dict[str, str] = {}
    for old, name in sorted(best_heir.values(), key=lambda pair: (-shared[pair], min(before[pair[0]]))):
        inherited.setdefault(name, old)
    return inherited


def _group_ids(groups: Members, inherited: Mapping[str, str], before: Members) -> dict[str, str]:
    """Group to its id. A new id that is taken is made again, from all of the group's listings."""
    ids = dict(inherited)
    taken = set(before)
    for name in sorted(groups.keys() - inherited.keys(), key=lambda name: min(groups[name])):
        listings = sorted(groups[name])
        id = new_group_id(listings[0])
        while id in taken:
            id = new_group_id("\n".join([*listings, id]))
        ids[name] = id
        taken.add(id)
    return ids


def _changes(groups: Members, before: Members) -> Changes:
    parents, heirs = defaultdict(set), defaultdict(set)
    for old, name in _overlaps(groups, before):
        parents[name].add(old)
        heirs[old].add(name)
    kept = sorted(groups.keys() & before.keys())
    return Changes(
        new=tuple(sorted(groups.keys() - parents.keys())),
        merged={name: tuple(sorted(olds)) for name, olds in sorted(parents.items()) if len(olds) > 1},
        split={old: tuple(sorted(names)) for old, names in sorted(heirs.items()) if len(names) > 1},
        gone=tuple(sorted(before.keys() - heirs.keys())),
        changed={
            name: {
                "added": tuple(sorted(groups[name] - before[name])),
                "removed": tuple(sorted(before[name] - groups[name])),
            }
            for name in kept
            if groups[name] != before[name]
        },
    )
