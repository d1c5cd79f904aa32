"""Who is whose rival when listings are matched with an index.

A row of a feed is one product, so its candidates are rivals; but an index may list that product several
times, and a feed too. Candidates of one row that are as alike each other as they are the row are taken for
one product, and only the best of them counts. Rows of the feed that may be one product do not compete for a
listing. On training catalogs, with duplicates in the index and the feed and without, this kept the promised
precision and erred by .02 to .05 in probability where plain rivalry erred by .03 to .24.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from itemsearch.indexes.arrays import Doubles, Mask, Rows
from itemsearch.probability.contest import CLOSED

HEADS = 10
"""So many of a row's best candidates are compared with each other, and the others with the best one."""

Alike = dict[tuple[int, int], float]
"""The strength of a pair of rows, the lower one first."""


def best_of_products(query: Rows, candidate: Rows, strength: Doubles, conflict: Mask, alike: Alike) -> Rows:
    """(P,) for each pair, the place of the pair that stands for it: its own, or that of a better candidate of
    the same row that is the same product.

    Args:
        query, candidate, strength, conflict: (P,) of the pairs of a row with its candidates. One with a
            conflict does not stand for one without, nor the other way round.
        alike: of candidates of one row, at least the best `HEADS`, and the others with the best.

    Row 0 has candidates 5, 6 and 7 of strengths 3, 2.5 and 2; 5 and 6 are alike by 2: [0, 0, 2].
    """
    stands_for = np.arange(len(query))
    order = np.lexsort((-strength, query))
    own, heads, seen = -1, list[int](), 0
    for place in order.tolist():
        if query[place] != own:
            own, heads, seen = int(query[place]), [], 0
        seen += 1
        least = strength[place] - CLOSED
        others = [each for each in heads if conflict[each] == conflict[place]]
        head = next((each for each in others if _alike(alike, candidate, each, place) >= least), None)
        if head is None and seen <= HEADS:
            heads.append(place)
        elif head is not None:
            stands_for[place] = head
    return stands_for


def apart_for_copies(
    query: Rows, candidate: Rows, strength: Doubles, same: Collection[tuple[int, int]], total: int
) -> Rows:
    """(P,) the candidates, with a number of its own, from `total` on, where a better row of the same product
    has the candidate already.

    Args:
        same: pairs of rows of the feed that may be one product, the lower row first.
    """
    apart = candidate.copy()
    order = np.lexsort((-strength, candidate))
    own, rows = -1, list[int]()
    for place in order.tolist():
        row = int(query[place])
        if candidate[place] != own:
            own, rows = int(candidate[place]), []
        if any((min(row, each), max(row, each)) in same for each in rows):
            apart[place] = total
            total += 1
        else:
            rows.append(row)
    return apart


def _alike(alike: Alike, candidate: Rows, one: int, other: int) -> float:
    a, b = int(candidate[one]), int(candidate[other])
    return alike.get((min(a, b), max(a, b)), -np.inf)
