"""The groups of a run as they are without the decisions of people, whose share of right ones is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.decisions.sample import checked
from itemsearch.duplicates.groups.form import GroupSettings, group
from itemsearch.duplicates.pairs.decide import Thresholds, decide_again
from itemsearch.duplicates.run_folder import DuplicateTables
from itemsearch.duplicates.types import BY_PEOPLE, Tier
from itemsearch.probability.estimate import Checked

UnaidedGroups = Mapping[str, Sequence[Sequence[str]]]
"""Tier to the ids of each of its groups."""


def unaided_groups(tables: DuplicateTables, settings: GroupSettings, thresholds: Thresholds) -> UnaidedGroups:
    """The groups as they would be had nobody decided on a pair.

    A group that people found wrong is none in the next run: of what is left, all that was checked is right.
    """
    groups = tables.groups
    by_people = pc.is_in(tables.pairs["decision"], pa.array(BY_PEOPLE, pa.string()))
    if pc.any(by_people).as_py():
        pairs = decide_again(tables.pairs, thresholds)
        for side in ("a", "b"):
            rows = pc.index_in(pairs[f"id_{side}"], tables.listings["id"]).cast(pa.int64())
            pairs = pairs.append_column(f"row_{side}", rows)
        there = pc.and_(pairs["row_a"].is_valid(), pairs["row_b"].is_valid())
        groups = group(pairs.filter(there), tables.listings, settings)
    by_tier: dict[str, dict[str, list[str]]] = {tier.value: defaultdict(list) for tier in Tier}
    columns = (groups[name].to_pylist() for name in ("tier", "group_id", "id"))
    for tier, name, id in zip(*columns, strict=True):
        by_tier[tier][name].append(id)
    return {tier: list(members.values()) for tier, members in by_tier.items()}


def checked_tiers(groups: UnaidedGroups, labels: Sequence[PairLabel]) -> Mapping[str, Checked]:
    """Tier to what people found of its drawn groups; a tier of which nobody checked one is left out."""
    found = {tier: checked(members, labels, tier) for tier, members in groups.items()}
    return {tier: each for tier, each in found.items() if each is not None}
