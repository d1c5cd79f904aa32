"""Forms groups of listings that are one product from decided pairs."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import NOBODY, Decided
from itemsearch.duplicates.groups.graph import (
    CANNOT_LINK_DECISIONS,
    PairGraph,
    build_graph,
    identical_listings,
    sizes_of,
    with_crowds,
)
from itemsearch.duplicates.groups.keeper import KEEP_BY, rank_keepers
from itemsearch.duplicates.groups.linkage import CANNOT_LINK, average_linkage
from itemsearch.duplicates.types import GROUPS_SCHEMA, Decision, Tier
from itemsearch.indexes.arrays import Ints, Mask

CHAIN_SPLIT, TOO_LARGE = "chain split", "too large"


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How groups are formed.

    density: the least share of the pairs between two clusters that has to be among the decided pairs for them
    to merge; identical listings count as one. max_size: a group of more listings is flagged, and a crowd of
    more is one group whatever its density, since not all of its pairs are compared. keep_by: as in
    `rank_keepers`.
    """

    density: float = 0.4
    max_size: int = 100
    keep_by: tuple[str, ...] = KEEP_BY


DEFAULT_GROUPS = GroupSettings()


def group(
    pairs: pa.Table,
    listings: pa.Table,
    settings: GroupSettings = DEFAULT_GROUPS,
    decided: Decided = NOBODY,
) -> pa.Table:
    """Groups the listings of duplicate pairs and of pairs to review, and those that people joined.

    Automatic groups are made of duplicate pairs alone. Pairs to review group the listings that are then left,
    so that no pair to review adds a listing to an automatic group. The listings of variants and of rejected
    pairs are never in one group. A group with a flag is to review.

    Args:
        pairs: columns row_a, row_b, probability, joint and decision, at least.
        listings: of the index.
        decided: what people decided, on `pairs` and on others.

    Returns:
        `GROUPS_SCHEMA`, each group's keeper first, then in order of id; groups in order of their first id.

    Raises:
        UsageError: a column to keep by that is not there.
    """
    # A worked example, of five listings; listing 2 is in an automatic group already when 2-3 is considered:
    #
    #   pair   decision     automatic   left   clusters     tier
    #   0-1    duplicate    0, 0               {0, 1}       automatic
    #   1-2    variant      cannot link        {2}          (alone: no group)
    #   2-3    review                   yes    {2, 3}       review
    #   1-4    review                   no     {4}          (1 is in an automatic group)
    graph = build_graph(pairs, listings, decided)
    duplicates = graph.decided(Decision.DUPLICATE)
    identical, crowded = with_crowds(graph, identical_listings(graph), settings.max_size)
    linking = duplicates & ~crowded[graph.a] & ~crowded[graph.b]
    automatic = _clusters(graph, identical, linking, settings.density)
    grouped = sizes_of(automatic) > 1
    left = ~grouped[graph.a] & ~grouped[graph.b]
    linking = (duplicates | graph.decided(Decision.REVIEW)) & left
    clusters = np.where(grouped, automatic, _clusters(graph, identical, linking, settings.density))
    split = _split_chains(clusters, graph, duplicates)
    table = _table(graph, listings, clusters, grouped & ~split, split, settings)
    return _with_chosen_keepers(table, decided)


def _with_chosen_keepers(groups: pa.Table, decided: Decided) -> pa.Table:
    """The groups with the keepers that people chose, the latest of each group, in the place of the first."""
    if not decided.keepers or not groups.num_rows:
        return groups
    ids, is_first = groups["id"].to_pylist(), groups["keeper"].to_numpy(zero_copy_only=False)
    chosen = np.array([decided.keepers[id].event if id in decided.keepers else 0 for id in ids])
    number = np.cumsum(is_first)
    # Each group's listings: the one that was chosen last, or else the first, then the others in order of id.
    by_id = pc.rank(groups["id"], sort_keys="ascending").to_numpy().astype(np.int64)
    latest = np.zeros(number[-1] + 1, np.int64)
    np.maximum.at(latest, number, chosen)
    is_keeper = np.where(latest[number] > 0, chosen == latest[number], is_first)
    order = np.lexsort((by_id, ~is_keeper, number))
    place = groups.column_names.index("keeper")
    return groups.set_column(place, groups.schema.field(place), pa.array(is_keeper)).take(pa.array(order))


def new_group_id(member_ids: str) -> str:
    """The id of a group that no earlier run had, from the ids of its listings."""
    return f"g{blake2b(member_ids.encode(), digest_size=6).hexdigest()}"


def _clusters(graph: PairGraph, identical: Ints, linking: npt.NDArray[np.bool_], density: float) -> Ints:
    """(L,) the lowest listing of each one's cluster.

    Args:
        identical: (L,) as `identical_listings` returns it; identical listings are one node of the clustering.
        linking: (P,) the pairs that link listings.
    """
    cannot_link = graph.decided(*CANNOT_LINK_DECISIONS)
    used = (linking | cannot_link) & (identical[graph.a] != identical[graph.b])
    weights = np.where(cannot_link, CANNOT_LINK, graph.probability)[used]
    one, other = identical[graph.a[used]], identical[graph.b[used]]
    a, b, weights = _unique_pairs(np.minimum(one, other), np.maximum(one, other), weights)
    return average_linkage(len(identical), a, b, weights, density)[identical]


def _unique_pairs(
    a: Ints, b: Ints, weights: npt.NDArray[np.float64]
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Each pair once, with its lowest weight: that of cannot-link where there is one."""
    # A worked example:
    #
    #   a  b  weights         first   kept
    #   0  3  cannot link     x       0  3  cannot link
    #   0  3  0.9             .
    #   1  2  0.7             x       1  2  0.7
    #   1  2  0.8             .
    order = np.lexsort((weights, b, a))
    a, b, weights = a[order], b[order], weights[order]
    first = np.ones(len(a), bool)
    first[1:] = (np.diff(a) != 0) | (np.diff(b) != 0)
    return a[first], b[first], weights[first]


def _split_chains(
    clusters: Ints, graph: PairGraph, duplicates: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """(L,) whether each one's cluster has a duplicate pair with a listing outside of it."""
    across = duplicates & (clusters[graph.a] != clusters[graph.b])
    is_split = np.zeros(len(clusters), bool)
    is_split[clusters[graph.a[across]]] = is_split[clusters[graph.b[across]]] = True
    within: Mask = is_split[clusters]
    return within


def _table(
    graph: PairGraph,
    listings: pa.Table,
    clusters: Ints,
    automatic: npt.NDArray[np.bool_],
    split: npt.NDArray[np.bool_],
    settings: GroupSettings,
) -> pa.Table:
    """`GROUPS_SCHEMA`, from (L,) clusters, and (L,) whether each is automatic, and is a split chain."""
    sizes = sizes_of(clusters)
    grouped = np.flatnonzero(sizes > 1)
    keeper_rank = rank_keepers(listings, graph.rows[grouped], settings.keep_by)
    by_keeper = grouped[np.lexsort((keeper_rank, clusters[grouped]))]
    is_keeper = np.diff(clusters[by_keeper], prepend=-1) > 0
    order = np.lexsort((by_keeper, ~is_keeper, clusters[by_keeper]))  # the keeper, then in order of id
    members, is_keeper = by_keeper[order], is_keeper[order]
    ids = listings["id"].take(pa.array(graph.rows))
    confirmed = _of_one_product(graph, clusters)[members]
    large = (sizes[members] > settings.max_size) & ~confirmed
    flags = np.where(large, TOO_LARGE, np.where(split[members] & ~confirmed, CHAIN_SPLIT, ""))
    tiers = np.where(automatic[members] & ~large, Tier.AUTOMATIC, Tier.REVIEW)
    lowest, where = np.unique(clusters[members], return_inverse=True)
    names = np.array([new_group_id(id) for id in ids.take(pa.array(lowest)).to_pylist()], dtype=object)
    mean = _mean_probabilities(graph, clusters)
    least = np.ones(len(clusters))
    np.minimum.at(least, clusters[members], mean[members])
    columns = {
        "group_id": pa.array(names[where], pa.string()),
        "id": ids.take(pa.array(members)),
        "keeper": is_keeper,
        "tier": pa.array(np.where(confirmed, Tier.CONFIRMED, tiers), pa.string()),
        "probability": pa.array(mean[members], pa.float32()),
        "group_probability": pa.array(least[clusters[members]], pa.float32()),
        "flag": pa.array(flags, pa.string(), mask=flags == ""),
    }
    return pa.table(columns).cast(GROUPS_SCHEMA)


def _of_one_product(graph: PairGraph, clusters: Ints) -> npt.NDArray[np.bool_]:
    """(L,) whether people decided that the listings of each one's cluster are one product."""
    mixed = np.zeros(len(clusters), bool)
    mixed[clusters[graph.product != graph.product[clusters]]] = True
    return ~mixed[clusters]


def _mean_probabilities(graph: PairGraph, clusters: Ints) -> npt.NDArray[np.float64]:
    """(L,) the mean probability of each listing's pairs within its cluster; 0 for none."""
    inside = clusters[graph.a] == clusters[graph.b]
    sums, counts = np.zeros(len(clusters)), np.zeros(len(clusters))
    for side in (graph.a[inside], graph.b[inside]):
        np.add.at(sums, side, graph.probability[inside])
        np.add.at(counts, side, 1)
    return sums / np.maximum(counts, 1)
