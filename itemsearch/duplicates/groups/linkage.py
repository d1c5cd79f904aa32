"""Clusters of a graph of pairs: by reachability, or by average linkage with a density floor.

Nodes are numbered from 0; E pairs link them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints

FORBIDDEN = -np.inf
"""The weight of a pair that must not be in one cluster."""


def components(count: int, a: Ints, b: Ints) -> Ints:
    """(count,) for each node the lowest node that it can be reached from."""
    lowest = np.arange(count)
    while True:
        low, high = np.minimum(lowest[a], lowest[b]), np.maximum(lowest[a], lowest[b])
        if np.array_equal(low, high):
            return lowest
        np.minimum.at(lowest, high, low)
        while not np.array_equal(lowest, lowest[lowest]):
            lowest = lowest[lowest]


def average_linkage(count: int, a: Ints, b: Ints, weights: Doubles, density: float) -> Ints:
    """Agglomerative clustering in which a missing pair weighs nothing.

    The two clusters of the highest mean weight of all pairs between them are merged, as long as at least
    `density` of these pairs are there and none is `FORBIDDEN`: so no chain of pairs becomes one cluster.
    Time is near linear in the number of pairs.

    Args:
        a, b, weights: (E,) each pair once; ties are settled by the nodes' numbers.

    Returns:
        (count,) for each node the lowest node of its cluster.
    """
    owner = np.arange(count)
    reached = components(count, a, b)[a]
    order = np.argsort(reached, kind="stable")
    starts = np.flatnonzero(np.diff(reached[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    single = order[starts[sizes == 1]]  # most pairs of a catalog: nothing to weigh
    single = single[weights[single] > FORBIDDEN]
    owner[np.maximum(a, b)[single]] = np.minimum(a, b)[single]
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        pairs = order[start : start + size]
        merger = _Merger(density, a[pairs].tolist(), b[pairs].tolist(), weights[pairs].tolist())
        for members in merger.run():
            owner[members] = min(members)
    return owner


class _Merger:
    """Clusters, the sums and counts of the pairs between them, and a queue of those that may be merged.

    A queued linkage may be out of date: a cluster's growth makes its linkages to the rest smaller, never
    larger, but where both of the merged were linked, and those are queued anew.
    """

    def __init__(self, density: float, a: list[int], b: list[int], weights: list[float]) -> None:
        self.density = density
        self.members: dict[int, list[int]] = {node: [node] for pair in (a, b) for node in pair}
        self.between: dict[int, dict[int, tuple[float, int]]] = {node: {} for node in self.members}
        for one, other, weight in zip(a, b, weights, strict=True):
            self.between[one][other] = self.between[other][one] = (weight, 1)
        self.queue = [
            (-weight, one, other)
            for one, other, weight in zip(a, b, weights, strict=True)
            if weight > FORBIDDEN
        ]
        heapq.heapify(self.queue)

    def run(self) -> Iterable[list[int]]:
        """The clusters' nodes."""
        while self.queue:
            queued, one, other = heapq.heappop(self.queue)
            if other not in self.between.get(one, ()):
                continue
            linkage = self._linkage(one, other)
            if linkage is None:
                continue
            if -linkage > queued:
                heapq.heappush(self.queue, (-linkage, one, other))
            else:
                self._merge(one, other)
        return self.members.values()

    def _linkage(self, one: int, other: int) -> float | None:
        """The mean weight of all pairs between two clusters; None where they may not be merged."""
        weight, linked = self.between[one][other]
        possible = len(self.members[one]) * len(self.members[other])
        if weight == FORBIDDEN or linked < self.density * possible:
            return None
        return weight / possible

    def _merge(self, one: int, other: int) -> None:
        """The cluster with fewer linkages is taken into the other."""
        if len(self.between[one]) < len(self.between[other]):
            one, other = other, one
        self.members[one] += self.members.pop(other)
        del self.between[one][other]
        for third, (weight, linked) in self.between.pop(other).items():
            if third == one:
                continue
            del self.between[third][other]
            more, also = self.between[one].get(third, (0.0, 0))
            self.between[one][third] = self.between[third][one] = (weight + more, linked + also)
            linkage = self._linkage(one, third)
            if linkage is not None:
                heapq.heappush(self.queue, (-linkage, one, third))
