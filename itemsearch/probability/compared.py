"""The pairs that were compared, as plain arrays, and the level of each listing's neighbourhood.

Shapes: N listings, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Doubles, Ints

SURE = 1e-6
"""Scores this near to 0 and 1 are taken for this much, so that their logits are finite."""
CONFLICT = -2.0
"""Log-odds of a conflict before the catalog has taught its weight, chosen on training catalogs."""
BLOCK_EDGES = 1_000_000
"""So many are looked at together: a large shop has a hundred million numbers a column."""


@dataclass(frozen=True, slots=True)
class ComparedPairs:
    """P compared pairs of N listings, each once.

    a, b (P,) int64: rows below `listings`, never equal. strength (P,) float64: log-odds of the evidence, such
    as the ranking's logit plus what identifiers and columns add; it must not fall as evidence rises, and what
    is missing adds nothing. support (P,) float64: the highest cosine of any piece that both listings have, 0
    for none: what is near zero on every piece is held down by it whatever else is said. levels (P, C) int64:
    of C columns that agree more or less, from 0, the worst; -1 where either listing has nothing to compare.
    """

    listings: int
    a: Ints
    b: Ints
    strength: Doubles
    support: Doubles
    levels: Ints

    @classmethod
    def from_scores(
        cls,
        listings: int,
        a: npt.ArrayLike,
        b: npt.ArrayLike,
        score: npt.ArrayLike,
        pieces: npt.ArrayLike,
        conflict: npt.ArrayLike = False,
        extra: npt.ArrayLike = 0.0,
        levels: Ints | None = None,
    ) -> Self:
        """
        Args:
            score: (P,) of the ranking, 0 to 1.
            pieces: (P, F) cosines, NaN where either listing lacks what it takes.
            conflict: (P,) whether the titles say of themselves that they are two variants: the first column
                of levels, which begins at `CONFLICT`, since shops of many variants teach that they are one.
            extra: (P,) further log-odds, such as of identifiers; 0 where there is nothing to compare.
        """
        sure = np.clip(np.asarray(score, np.float64), SURE, 1 - SURE)
        known = np.nan_to_num(np.asarray(pieces, np.float64), nan=0.0)
        told = np.broadcast_to(np.asarray(conflict, bool), sure.shape)
        columns = [np.where(told, 0, 1)[:, None], *([] if levels is None else [levels])]
        return cls(
            listings,
            np.asarray(a, np.int64),
            np.asarray(b, np.int64),
            np.log(sure / (1 - sure)) + np.where(told, CONFLICT, 0.0) + np.asarray(extra, np.float64),
            known.max(axis=1, initial=0.0),
            np.concatenate(columns, axis=1),
        )


def directed(pairs: ComparedPairs) -> tuple[Ints, Ints, Doubles]:
    """(2P,) from, to and strength: first every pair from a to b, then every pair from b to a."""
    source = np.concatenate([pairs.a, pairs.b])
    return source, np.concatenate([pairs.b, pairs.a]), np.tile(pairs.strength, 2)


def ranked(source: Ints, strength: Doubles, listings: int) -> tuple[Ints, Ints]:
    """(2P,) edges in order of their listing, the strongest first; and (N + 1,) where each one's begin.

    source [0, 1, 0], strength [1, 1, 2] -> order [2, 0, 1], starts [0, 2, 3].
    """
    order = np.lexsort((-strength, source))
    starts: Ints = np.searchsorted(source[order], np.arange(listings + 1))
    return order, starts


def neighbourhood(pairs: ComparedPairs, depth: int, floor: float, weights: Doubles) -> Doubles:
    """(P,) the mean over both listings of the strength of their `depth`-th best other pair.

    It is `floor` where there are fewer, or weaker ones. The pair itself does not count, so that its own
    evidence moves nothing here; nor do a crowd's pairs for each other: weights (P,), of `crowd_weights`.
    """
    crowded = np.flatnonzero(np.tile(weights < 1, 2))
    of_crowds = levels(pairs, depth, floor, weights) if len(crowded) else np.empty(0)
    source, strength = np.concatenate([pairs.a, pairs.b]), np.tile(pairs.strength, 2)
    order, starts = ranked(source, strength, pairs.listings)
    level = np.full(len(source), floor)
    for start in range(0, len(order), BLOCK_EDGES):
        edges = order[start : start + BLOCK_EDGES]
        first, end = starts[source[edges]], starts[source[edges] + 1]
        rank = np.arange(start, start + len(edges)) - first
        place = first + depth - 1 + (rank < depth)
        there = place < end
        level[edges[there]] = np.maximum(strength[order[place[there]]], floor)
    level[crowded] = of_crowds[source[crowded]]
    count = len(pairs.a)
    mean: Doubles = (level[:count] + level[count:]) / 2
    return mean


def levels(pairs: ComparedPairs, depth: int, floor: float, weights: Doubles) -> Doubles:
    """(N,) the strength of each listing's `depth`-th best pair outside its crowd: what a new listing is
    weighed against. weights (P,): of `crowd_weights`."""
    source, _, strength = directed(pairs)
    outside = np.tile(weights, 2) == 1
    source, strength = source[outside], strength[outside]
    order, starts = ranked(source, strength, pairs.listings)
    place = starts[:-1] + depth - 1
    there = place < starts[1:]
    level = np.full(pairs.listings, floor)
    level[there] = np.maximum(strength[order[place[there]]], floor)
    return level
