"""Who else a listing could be: each pair is weighed against the other pairs of both of its listings.

A listing is one product, so what speaks for a as b speaks against a as c, unless b and c are themselves
alike: then all three may be one. Nor are the members of a crowd rivals of each other. Belief propagation for
matchings (Huang and Jebara 2009; Bayati et al. 2011) with room for being alone gives each pair its share:

    logit p(ab) = u(ab) - log(1 + rivals of a but for b) - log(1 + rivals of b but for a)

where rivals are the odds exp(u(ac)) of a's other pairs, each times the chance that c is free. The odds of
others do not depend on the pair's own evidence: more of it never makes the pair less probable.

Shapes: N listings, P pairs, T triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints, Mask
from itemsearch.probability.compared import ComparedPairs, directed, ranked

CLOSED = 1.5
"""c is no rival of b for a where b and c are alike at least as much as a and c, less so many log-odds."""
TRIANGLES = 64
"""So many of a listing's best pairs are looked at for such thirds."""
FAINT = -4.0
"""Weaker pairs are nobody's third."""
LARGE = 50.0


@dataclass(slots=True)
class Contest:
    """edge, third (T,): of directed pairs 0 to 2P - 1, `third` is no rival of `edge`. free (2P,): the chance
    that a pair's first listing is free when its second does not count; kept from round to round. crowded
    (2P,): the pairs of crowds."""

    pairs: ComparedPairs
    source: Ints
    crowded: Mask
    edge: Ints
    third: Ints
    free: Doubles

    @classmethod
    def of(cls, pairs: ComparedPairs, weights: Doubles) -> Self:
        """weights (P,): of `crowd_weights`."""
        source, target, strength = directed(pairs)
        edge, third = _closed(pairs, source, target, strength)
        crowded = np.tile(weights < 1, 2)
        kept = ~(crowded[edge] & crowded[third])  # these are left out all at once
        return cls(pairs, source, crowded, edge[kept], third[kept], np.full(len(source), 0.5))

    def logits(self, odds: Doubles, rounds: int) -> Doubles:
        """(P,) after some rounds; odds (P,): u, the log-odds of each pair by itself."""
        count = len(odds)
        weight = np.exp(np.clip(np.tile(odds, 2), -LARGE, LARGE))
        rivals = np.zeros(2 * count)
        for _ in range(rounds):
            # The other side's chance to be free: of edge a->b that of b, which edge b->a holds.
            offered = weight * np.concatenate([self.free[count:], self.free[:count]])
            total = np.bincount(self.source, offered, self.pairs.listings)
            rivals = total[self.source] - offered
            rivals -= np.bincount(self.edge, offered[self.third], 2 * count)
            of_crowd = np.bincount(self.source, offered * self.crowded, self.pairs.listings)
            rivals -= np.where(self.crowded, of_crowd[self.source] - offered, 0)
            rivals = np.maximum(rivals, 0)
            self.free = np.sqrt(self.free / (1 + rivals))  # damped: half a step in logarithms
        logit: Doubles = odds - np.log1p(rivals[:count]) - np.log1p(rivals[count:])
        return logit


def _closed(pairs: ComparedPairs, source: Ints, target: Ints, strength: Doubles) -> tuple[Ints, Ints]:
    """(T,) edges a->b, and (T,) edges a->c where b and c are alike enough."""
    total = max(pairs.listings, 1)
    keys = np.minimum(pairs.a, pairs.b) * total + np.maximum(pairs.a, pairs.b)
    by_key = np.argsort(keys)
    keys = keys[by_key]
    order, starts = ranked(source, strength, pairs.listings)
    loud = np.flatnonzero(strength > FAINT)
    edges, thirds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for place in range(TRIANGLES):
        at = starts[source[loud]] + place
        there = at < starts[source[loud] + 1]
        edge, other = loud[there], order[at[there]]
        kept = (target[other] != target[edge]) & (strength[other] > FAINT)
        edge, other = edge[kept], other[kept]
        one, two = target[edge], target[other]
        wanted = np.minimum(one, two) * total + np.maximum(one, two)
        found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        between = np.where(keys[found] == wanted, pairs.strength[by_key[found]], -np.inf)
        closed = between >= strength[other] - CLOSED
        edges.append(edge[closed])
        thirds.append(other[closed])
    return np.concatenate(edges), np.concatenate(thirds)
