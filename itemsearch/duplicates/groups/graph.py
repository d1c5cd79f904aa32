"""The graph that groups are formed from: decided pairs, and the listings that count as one node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.decided import Decided
from itemsearch.duplicates.groups.linkage import components
from itemsearch.duplicates.types import IDENTICAL, Decision
from itemsearch.indexes.arrays import Ints, unique
from itemsearch.probability.crowds import share_others

CANNOT_LINK_DECISIONS = (Decision.VARIANT, Decision.REJECTED)
"""The listings of such a pair are never in one group."""


@dataclass(frozen=True, slots=True)
class PairGraph:
    """P pairs among L listings, which are numbered in order of id.

    rows: (L,) in the index. product: (L,) the lowest listing of those that people decided to be one product
    with each; itself where nobody did. a, b: (P,) numbers of listings, a < b. probability, joint, decisions:
    (P,).
    """

    rows: Ints
    product: Ints
    a: Ints
    b: Ints
    probability: npt.NDArray[np.float64]
    joint: npt.NDArray[np.float64]
    decisions: npt.NDArray[np.str_]

    def decided(self, *decisions: Decision) -> npt.NDArray[np.bool_]:
        """(P,) whether each pair has one of `decisions`."""
        return np.isin(self.decisions, decisions)


def build_graph(pairs: pa.Table, listings: pa.Table, decided: Decided) -> PairGraph:
    """The graph of pairs, and of the rejected pairs that are not among them; arguments as of `group`."""
    row_a, row_b = (pairs[name].to_numpy() for name in ("row_a", "row_b"))
    rows = unique(np.concatenate([row_a, row_b]))
    # In order of id, so that ties are broken alike whatever rows a build gives the listings.
    ids = listings["id"].take(pa.array(rows))
    order = pc.sort_indices(ids).to_numpy()
    rows = rows[order]
    number = np.full(listings.num_rows, -1)
    number[rows] = np.arange(len(rows))
    number_of_id: dict[str, int] = {}
    if decided.labels:
        number_of_id = dict(zip(ids.take(pa.array(order)).to_pylist(), range(len(rows)), strict=True))
    rejected = [
        (number_of_id[a], number_of_id[b])
        for (a, b), label in decided.labels.items()
        if not label.same and a in number_of_id and b in number_of_id
    ]
    cannot_link = np.array(rejected, np.int64).reshape(-1, 2)
    a = np.concatenate([number[row_a], cannot_link[:, 0]])
    b = np.concatenate([number[row_b], cannot_link[:, 1]])
    decisions = np.array(
        [*pairs["decision"].to_pylist(), *[Decision.REJECTED] * len(cannot_link)], dtype=np.str_
    )
    nothing = np.zeros(len(cannot_link))
    probability, joint = (
        np.concatenate([pairs[name].to_numpy(), nothing]) for name in ("probability", "joint")
    )
    probability = np.where(decisions == Decision.CONFIRMED, 1.0, probability)
    product = _products(decided, number_of_id, len(rows))
    return PairGraph(rows, product, np.minimum(a, b), np.maximum(a, b), probability, joint, decisions)


def _products(decided: Decided, number_of_id: Mapping[str, int], count: int) -> Ints:
    """(L,) of `count` listings, the lowest one that each is decided to be one product with."""
    lowest = np.arange(count)
    for ids in decided.products.values():
        present = [number_of_id[id] for id in ids if id in number_of_id]
        lowest[present] = min(present, default=0)
    return lowest


def identical_listings(graph: PairGraph) -> Ints:
    """(L,) the lowest listing that each one is identical to, or that people decided to be one product with
    it; of its own product where that cannot link to a lower one."""
    own = graph.product
    is_identical = graph.decided(Decision.DUPLICATE) & (graph.joint >= IDENTICAL)
    lowest = components(len(own), own[graph.a[is_identical]], own[graph.b[is_identical]])[own]
    cannot_link = graph.decided(*CANNOT_LINK_DECISIONS) & (lowest[graph.a] == lowest[graph.b])
    higher = np.maximum(own[graph.a], own[graph.b])[cannot_link & (own[graph.a] != own[graph.b])]
    apart = np.isin(own, higher)
    lowest[apart] = own[apart]
    return lowest


def with_crowds(graph: PairGraph, identical: Ints, max_size: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(L,) `identical`, as if crowds of over `max_size` listings were; (L,) who is in such a crowd.

    A crowd's pairs are duplicates whose listings share others. One with a conflict within is none.
    """
    every, duplicates = np.arange(len(identical)), graph.decided(Decision.DUPLICATE)
    reached = components(len(every), graph.a[duplicates], graph.b[duplicates])
    used = duplicates & (sizes_of(reached)[graph.a] > max_size)
    if not used.any():
        return identical, np.zeros(len(every), bool)
    a, b = graph.a[used], graph.b[used]
    linked = share_others(len(every), a, b)
    crowd = components(len(every), a[linked], b[linked])
    conflict = graph.decided(*CANNOT_LINK_DECISIONS) & (crowd[graph.a] == crowd[graph.b])
    whole = (sizes_of(crowd) > max_size) & ~np.isin(crowd, crowd[graph.a[conflict]])
    together = _joined(identical, crowd, whole)
    # Identical listings, and those that people joined, may bring a conflict into a crowd.
    brought = graph.decided(*CANNOT_LINK_DECISIONS) & (together[graph.a] == together[graph.b])
    brought &= identical[graph.a] != identical[graph.b]
    whole &= ~np.isin(together, together[graph.a[brought]])
    together = _joined(identical, crowd, whole)
    return together, np.isin(together, together[whole])


def _joined(identical: Ints, crowd: Ints, whole: npt.NDArray[np.bool_]) -> Ints:
    """(L,) `identical`, where listings of a whole crowd are as well."""
    every = np.arange(len(identical))
    both = np.concatenate([identical, np.where(whole, crowd, every)])
    return components(len(every), np.tile(every, 2), both)


def sizes_of(clusters: Ints) -> Ints:
    """(L,) how many listings each one's cluster has."""
    return np.bincount(clusters, minlength=len(clusters))[clusters]
