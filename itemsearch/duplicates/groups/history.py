"""Group ids that last from night to night, and what has changed since the last one."""

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
    """What `changes.json` holds; group ids, each list in order.

    new: groups none of whose listings was in one. merged: group to the earlier ones that it has listings of,
    where those are several. split: earlier group to those that have its listings now, where those are
    several. gone: earlier groups none of whose listings is in one. changed: groups that kept their id and not
    their listings: ids added and removed.
    """

    new: tuple[str, ...]
    merged: Mapping[str, tuple[str, ...]]
    split: Mapping[str, tuple[str, ...]]
    gone: tuple[str, ...]
    changed: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def empty(self) -> bool:
        return not (self.new or self.merged or self.split or self.gone or self.changed)


def read_groups(path: Path) -> pa.Table:
    """The `groups.parquet` of an earlier run, columns group_id and id.

    Raises:
        UsageError: it is not there, or is none.
    """
    try:
        return pq.read_table(path, columns=["group_id", "id"], page_checksum_verification=True)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; name the folder of an earlier run") from error
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path}: no groups of an earlier run ({error})") from error


def name_groups(groups: pa.Table, earlier: pa.Table) -> tuple[pa.Table, Changes]:
    """Gives groups the ids that they had, and says what changed.

    An earlier group's id goes to the group that has most of its listings, and where several earlier groups
    would give theirs to one, it takes that of which it has most. What inherits none has an id made from its
    listings' ids; nothing is counted, so that equal groups have equal ids whoever finds them.

    Args:
        groups: `GROUPS_SCHEMA`, with ids as `group` makes them.
        earlier: columns group_id and id at least; empty where there was no run.
    """
    found, before = _members(groups), _members(earlier)
    shared = _overlaps(found, before)
    inherited = _heirs(shared, found, before)
    ids = _named(found, inherited, before)
    renamed = pa.array([ids[name] for name in groups["group_id"].to_pylist()], pa.string())
    place = groups.column_names.index("group_id")
    named = groups.set_column(place, groups.schema.field(place), renamed)
    return named, _changes({ids[name]: members for name, members in found.items()}, before)


def _members(groups: pa.Table) -> dict[str, frozenset[str]]:
    members = defaultdict(list)
    for name, id in zip(groups["group_id"].to_pylist(), groups["id"].to_pylist(), strict=True):
        members[name].append(id)
    return {name: frozenset(ids) for name, ids in members.items()}


def _overlaps(found: Members, before: Members) -> Counter[tuple[str, str]]:
    """(earlier group, group) to how many listings they share."""
    home = {id: name for name, ids in before.items() for id in ids}
    return Counter((home[id], name) for name, ids in found.items() for id in ids if id in home)


def _heirs(shared: Counter[tuple[str, str]], found: Members, before: Members) -> dict[str, str]:
    """Group to the earlier group whose id it takes."""
    best_heir: dict[str, tuple[str, str]] = {}
    for pair in sorted(shared, key=lambda pair: (-shared[pair], min(found[pair[1]]))):
        best_heir.setdefault(pair[0], pair)
    inherited: dict[str, str] = {}
    for old, name in sorted(best_heir.values(), key=lambda pair: (-shared[pair], min(before[pair[0]]))):
        inherited.setdefault(name, old)
    return inherited


def _named(found: Members, inherited: Mapping[str, str], before: Members) -> dict[str, str]:
    """Group to its id; where that of a new one was given before, others of its listings make it."""
    ids = dict(inherited)
    taken = set(before)
    for name in sorted(found.keys() - inherited.keys(), key=lambda name: min(found[name])):
        listings = sorted(found[name])
        id = new_group_id(listings[0])
        while id in taken:
            id = new_group_id("\n".join([*listings, id]))
        ids[name] = id
        taken.add(id)
    return ids


def _changes(found: Members, before: Members) -> Changes:
    parents, heirs = defaultdict(set), defaultdict(set)
    for old, name in _overlaps(found, before):
        parents[name].add(old)
        heirs[old].add(name)
    kept = sorted(found.keys() & before.keys())
    return Changes(
        new=tuple(sorted(found.keys() - parents.keys())),
        merged={name: tuple(sorted(olds)) for name, olds in sorted(parents.items()) if len(olds) > 1},
        split={old: tuple(sorted(names)) for old, names in sorted(heirs.items()) if len(names) > 1},
        gone=tuple(sorted(before.keys() - heirs.keys())),
        changed={
            name: {
                "added": tuple(sorted(found[name] - before[name])),
                "removed": tuple(sorted(before[name] - found[name])),
            }
            for name in kept
            if found[name] != before[name]
        },
    )
