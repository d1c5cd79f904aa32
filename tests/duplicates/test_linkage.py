from __future__ import annotations

import numpy as np
import pytest

from itemsearch.duplicates.groups.linkage import CANNOT_LINK, average_linkage, components


def slow_components(count: int, a: np.ndarray, b: np.ndarray) -> list[int]:
    lowest = list(range(count))
    for _ in range(count):
        for one, other in zip(a.tolist(), b.tolist(), strict=True):
            lowest[one] = lowest[other] = min(lowest[one], lowest[other])
    return lowest


def slow_average_linkage(count: int, weights: dict[tuple[int, int], float], density: float) -> list[int]:
    """All clusters with all others, at every step."""
    clusters = [[node] for node in range(count)]
    while True:
        best = None
        for i, one in enumerate(clusters):
            for other in clusters[i + 1 :]:
                found = [
                    weights[min(x, y), max(x, y)]
                    for x in one
                    for y in other
                    if (min(x, y), max(x, y)) in weights
                ]
                possible = len(one) * len(other)
                if found and CANNOT_LINK not in found and len(found) >= density * possible:
                    linkage = sum(found) / possible
                    if best is None or linkage > best[0]:
                        best = (linkage, one, other)
        if best is None:
            break
        clusters = [c for c in clusters if c is not best[1] and c is not best[2]] + [best[1] + best[2]]
    owner = [0] * count
    for cluster in clusters:
        for node in cluster:
            owner[node] = min(cluster)
    return owner


def random_graph(seed: int, count: int, pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers(0, count, pairs) * count + rng.integers(0, count, pairs))
    a, b = keys // count, keys % count
    a, b = a[a < b], b[a < b]
    weights = np.where(rng.random(len(a)) < 0.1, CANNOT_LINK, rng.random(len(a)))
    return a, b, weights


@pytest.mark.parametrize("seed", range(20))
def test_clusters_are_those_of_the_slow_way(seed: int) -> None:
    count = 24
    a, b, weights = random_graph(seed, count, 15 + 8 * seed)
    given = {(x, y): w for x, y, w in zip(a.tolist(), b.tolist(), weights.tolist(), strict=True)}
    found = average_linkage(count, a, b, weights, 0.4)
    assert found.tolist() == slow_average_linkage(count, given, 0.4)
    assert components(count, a, b).tolist() == slow_components(count, a, b)


def test_a_long_chain_is_one_component_and_no_cluster() -> None:
    links = np.arange(99_999)
    assert not components(100_000, links, links + 1).any()
    clusters = average_linkage(1_000, links[:999], links[:999] + 1, np.full(999, 0.9), 0.4)
    assert np.bincount(clusters).max() <= 3
