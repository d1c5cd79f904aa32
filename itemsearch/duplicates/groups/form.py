"""From decided pairs to groups of listings that are one product."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.groups.keeper import KEEP_BY, rank_keepers
from itemsearch.duplicates.groups.linkage import FORBIDDEN, average_linkage, components
from itemsearch.duplicates.types import GROUPS_SCHEMA, Decision, Tier
from itemsearch.indexes.arrays import Ints
from itemsearch.probability.thresholds import IDENTICAL

PARTING = (Decision.VARIANT, Decision.REJECTED)
CHAIN_SPLIT, TOO_LARGE = "chain split", "too large"


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """density: the least share of the pairs between two parts of a group that has to be there; identical
    listings count as one. max_size: a group of more listings is flagged. keep_by: as in `rank_keepers`.
    """

    density: float = 0.4
    max_size: int = 100
    keep_by: tuple[str, ...] = KEEP_BY


BY_DEFAULT = GroupSettings()


@dataclass(frozen=True, slots=True)
class _Graph:
    """P pairs among L listings, which are numbered in order of id.

    rows: (L,) of the products. a, b: (P,) listings, a < b. scores, joint, decisions: (P,).
    """

    rows: Ints
    a: Ints
    b: Ints
    scores: npt.NDArray[np.float64]
    joint: npt.NDArray[np.float64]
    decisions: npt.NDArray[np.str_]

    def decided(self, *decisions: Decision) -> npt.NDArray[np.bool_]:
        return np.isin(self.decisions, decisions)


def group(
    pairs: pa.Table,
    listings: pa.Table,
    settings: GroupSettings = BY_DEFAULT,
    rejected: Collection[tuple[str, str]] = (),
) -> pa.Table:
    """Groups the listings whose pairs were decided to be duplicates, or to be looked at.

    Automatic groups are made of duplicate pairs alone. Pairs to review group what is then left: a doubtful
    pair takes no listing into a group that can be acted on. Variants and rejected pairs are never in one
    group. A group with a flag is one to review.

    Args:
        pairs: columns row_a, row_b, score, joint and decision, at least.
        products: of the index.
        rejected: ids of pairs that must not be in one group, whether they are among `pairs` or not.

    Returns:
        `GROUPS_SCHEMA`, each group's keeper first, then in order of id; groups in order of their first id.

    Raises:
        UsageError: a column to keep by that is not there.
    """
    graph = _graph(pairs, listings, rejected)
    sure = graph.decided(Decision.DUPLICATE)
    same = _identical(graph)
    automatic = _clusters(graph, same, sure, settings.density)
    grouped = _sizes(automatic) > 1
    left = ~grouped[graph.a] & ~grouped[graph.b]
    maybe = (sure | graph.decided(Decision.REVIEW)) & left
    clusters = np.where(grouped, automatic, _clusters(graph, same, maybe, settings.density))
    split = _split_chains(clusters, graph, sure)
    return _table(graph, listings, clusters, grouped & ~split, split, settings)


def new_group_id(member_ids: str) -> str:
    """The id of a group that no earlier run had."""
    return f"g{blake2b(member_ids.encode(), digest_size=6).hexdigest()}"


def _graph(pairs: pa.Table, listings: pa.Table, rejected: Collection[tuple[str, str]]) -> _Graph:
    row_a, row_b = (pairs[name].to_numpy() for name in ("row_a", "row_b"))
    rows = np.unique(np.concatenate([row_a, row_b]))
    # In order of id, so that ties are settled alike whatever place a build gives the rows.
    ids = listings["id"].take(pa.array(rows))
    order = pc.sort_indices(ids).to_numpy()
    rows = rows[order]
    number = np.full(listings.num_rows, -1)
    number[rows] = np.arange(len(rows))
    of_id = (
        dict(zip(ids.take(pa.array(order)).to_pylist(), range(len(rows)), strict=True)) if rejected else {}
    )
    known = [(of_id[a], of_id[b]) for a, b in rejected if a in of_id and b in of_id]
    apart = np.array(known, np.int64).reshape(-1, 2)
    a, b = np.concatenate([number[row_a], apart[:, 0]]), np.concatenate([number[row_b], apart[:, 1]])
    nothing = np.zeros(len(apart))
    scores, joint = (np.concatenate([pairs[name].to_numpy(), nothing]) for name in ("score", "joint"))
    decisions = np.array([*pairs["decision"].to_pylist(), *[Decision.REJECTED] * len(apart)], dtype=np.str_)
    return _Graph(rows, np.minimum(a, b), np.maximum(a, b), scores, joint, decisions)


def _identical(graph: _Graph) -> Ints:
    """(L,) the lowest listing that each one is identical to; one that is parted from a lower one, itself."""
    alike = graph.decided(Decision.DUPLICATE) & (graph.joint >= IDENTICAL)
    same = components(len(graph.rows), graph.a[alike], graph.b[alike])
    apart = graph.decided(*PARTING) & (same[graph.a] == same[graph.b])
    same[graph.b[apart]] = graph.b[apart]
    return same


def _clusters(graph: _Graph, same: Ints, linking: npt.NDArray[np.bool_], density: float) -> Ints:
    """(L,) the lowest listing of each one's cluster; `same`: of its identical ones."""
    parting = graph.decided(*PARTING)
    used = (linking | parting) & (same[graph.a] != same[graph.b])
    weights = np.where(parting, FORBIDDEN, graph.scores)[used]
    one, other = same[graph.a[used]], same[graph.b[used]]
    a, b, weights = _once(np.minimum(one, other), np.maximum(one, other), weights)
    return average_linkage(len(same), a, b, weights, density)[same]


def _once(a: Ints, b: Ints, weights: npt.NDArray[np.float64]) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Each pair once, of the lowest weight: of identical listings one may be a variant."""
    order = np.lexsort((weights, b, a))
    a, b, weights = a[order], b[order], weights[order]
    first = np.ones(len(a), bool)
    first[1:] = (np.diff(a) != 0) | (np.diff(b) != 0)
    return a[first], b[first], weights[first]


def _sizes(clusters: Ints) -> Ints:
    """(L,) how many listings each one's cluster has."""
    return np.bincount(clusters, minlength=len(clusters))[clusters]


def _split_chains(clusters: Ints, graph: _Graph, sure: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(L,) whether a duplicate of some member is outside of the cluster."""
    apart = sure & (clusters[graph.a] != clusters[graph.b])
    touched = np.zeros(len(clusters), bool)
    touched[clusters[graph.a[apart]]] = touched[clusters[graph.b[apart]]] = True
    return touched[clusters]


def _table(
    graph: _Graph,
    listings: pa.Table,
    clusters: Ints,
    automatic: npt.NDArray[np.bool_],
    split: npt.NDArray[np.bool_],
    settings: GroupSettings,
) -> pa.Table:
    sizes = _sizes(clusters)
    inside = clusters[graph.a] == clusters[graph.b]
    sums, counts = np.zeros(len(clusters)), np.zeros(len(clusters))
    for side in (graph.a[inside], graph.b[inside]):
        np.add.at(sums, side, graph.scores[inside])
        np.add.at(counts, side, 1)
    grouped = np.flatnonzero(sizes > 1)
    place = rank_keepers(listings, graph.rows[grouped], settings.keep_by)
    order = np.lexsort((place, clusters[grouped]))
    listed = grouped[order]
    keeper = np.diff(clusters[listed], prepend=-1) > 0
    rest = np.lexsort((listed, ~keeper, clusters[listed]))
    listed, keeper = listed[rest], keeper[rest]
    ids = listings["id"].take(pa.array(graph.rows))
    large = sizes[listed] > settings.max_size
    flags = np.where(large, TOO_LARGE, np.where(split[listed], CHAIN_SPLIT, ""))
    lowest, where = np.unique(clusters[listed], return_inverse=True)
    names = np.array([new_group_id(id) for id in ids.take(pa.array(lowest)).to_pylist()], dtype=object)
    columns = {
        "group_id": pa.array(names[where], pa.string()),
        "id": ids.take(pa.array(listed)),
        "keeper": keeper,
        "tier": pa.array(np.where(automatic[listed] & ~large, Tier.AUTOMATIC, Tier.REVIEW), pa.string()),
        "score": pa.array(sums[listed] / counts[listed], pa.float32()),
        "flag": pa.array(flags, pa.string(), mask=flags == ""),
    }
    return pa.table(columns).cast(GROUPS_SCHEMA)
