"""Clusters the nodes of a graph of pairs: connected components, or average linkage with a least density.

Nodes are numbered from 0; E pairs link them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints

CANNOT_LINK = -np.inf
"""The weight of a pair whose nodes must not be in one cluster."""


def components(count: int, a: Ints, b: Ints) -> Ints:
    """(count,) the lowest node of each node's connected component."""
    # A worked example, of 5 nodes and the pairs 0-1, 3-4 and 1-3:
    #
    #   node     0  1  2  3  4
    #   start    0  1  2  3  4
    #   round 1  0  0  2  1  3   the lower side of each pair
    #   jumps    0  0  2  0  0   the lowest of the lowest, until nothing changes: one component but for 2
    lowest = np.arange(count)
    while True:
        low, high = np.minimum(lowest[a], lowest[b]), np.maximum(lowest[a], lowest[b])
        if np.array_equal(low, high):
            return lowest
        np.minimum.at(lowest, high, low)
        while not np.array_equal(lowest, lowest[lowest]):
            lowest = lowest[lowest]


def average_linkage(count: int, a: Ints, b: Ints, weights: Doubles, density: float) -> Ints:
    """Agglomerative clustering by average linkage, in which a missing pair has weight 0.

    The two clusters of the highest mean weight of all pairs between them are merged, as long as at least
    `density` of these pairs exist and none is `CANNOT_LINK`: so no chain of pairs becomes one cluster. Time
    is near linear in the number of pairs.

    Args:
        a, b, weights: (E,) each pair once; ties are broken by the nodes' numbers.

    Returns:
        (count,) the lowest node of each node's cluster.
    """
    # A worked example, of density 0.4:
    #
    #   pairs 0-1 0.9, 1-2 0.8, 2-3 0.7     clusters          linkage between them
    #   merge 0 and 1 (0.9)                 {0,1} {2} {3}     {0,1}-{2}: 0.8 / 2, half of the pairs exist
    #   merge 2 and 3 (0.7)                 {0,1} {2,3}       {0,1}-{2,3}: 1 of 4 pairs exists, below 0.4
    #   the chain stays two clusters, and the result is 0 0 2 2
    owner = np.arange(count)
    reached = components(count, a, b)[a]
    order = np.argsort(reached, kind="stable")
    starts = np.flatnonzero(np.diff(reached[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    single = order[starts[sizes == 1]]  # most pairs of a catalog are components of their own
    single = single[weights[single] > CANNOT_LINK]
    owner[np.maximum(a, b)[single]] = np.minimum(a, b)[single]
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        pairs = order[start : start + size]
        merger = _Merger(density, a[pairs].tolist(), b[pairs].tolist(), weights[pairs].tolist())
        for members in merger.run():
            owner[members] = min(members)
    return owner


class _Merger:
    """Merges the clusters of one component.

    between: for two clusters, the sum of the weights of the pairs between them, and their number. queue:
    linkages that may be merged, the highest first. A queued linkage may be out of date: the growth of a
    cluster makes its linkages smaller, but for those to clusters that both of the merged were linked to,
    which are queued again.
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
            if weight > CANNOT_LINK
        ]
        heapq.heapify(self.queue)

    def run(self) -> Iterable[list[int]]:
        """Merges until no two clusters may be merged, and returns the nodes of each cluster."""
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
        if weight == CANNOT_LINK or linked < self.density * possible:
            return None
        return weight / possible

    def _merge(self, one: int, other: int) -> None:
        """Merges the cluster with fewer linkages into the other."""
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
