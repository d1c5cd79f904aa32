"""Evidence of few levels: whether brands, prices or what titles say of colour agree; learnt like the rest.

Each column of levels is taken as independent of the others given whether a pair is one product (Fellegi and
Sunter 1969). Shapes: P pairs, C columns.
"""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints

MISSING = -1
"""The level of a pair that cannot be compared: it weighs nothing."""
HELD = 20.0
"""So many pairs of each kind are taken to be spread over the levels as all are."""
MOST = 4.0
"""Log-odds that a column can add or take."""

Weights = tuple[tuple[float, ...], ...]
"""For each column, of each level from the worst on."""


def no_weights(levels: Ints) -> Weights:
    """All zero."""
    return tuple((0.0,) * (int(column.max(initial=0)) + 1) for column in levels.T)


def weigh(levels: Ints, weights: Weights) -> Doubles:
    """(P,) the log-odds that (P, C) levels add; 0 where they are missing."""
    added = np.zeros(len(levels))
    for column, of in zip(levels.T, weights, strict=True):
        added += np.where(column >= 0, np.array(of)[np.clip(column, 0, len(of) - 1)], 0.0)
    return added


def learn_weights(levels: Ints, sure: Doubles, other: Doubles) -> Weights:
    """How much more often pairs of one product have each level than others do; never less for a better one.

    Args:
        levels: (P, C), `MISSING` or from 0, the worst.
        sure, other: (P,) how much each pair counts as one product, and as one of the others that it could be
            mistaken for.

    levels [1, 1, 0, 0], sure [1, 1, 0, 0], other [0, 0, 1, 1] -> level 0 below 0, level 1 above.
    """
    found = []
    for column in levels.T:
        known = column >= 0
        count = int(column.max(initial=0)) + 1
        usual = np.bincount(column[known], minlength=count) + 1.0
        spread = HELD * usual / usual.sum()
        same = np.bincount(column[known], sure[known], count) + spread
        apart = np.bincount(column[known], other[known], count) + spread
        ratio = np.log(same / same.sum()) - np.log(apart / apart.sum())
        rising = _rising(ratio, same + apart)
        found.append(tuple(np.clip(rising, -MOST, MOST).tolist()))
    return tuple(found)


def _rising(values: Doubles, weights: Doubles) -> Doubles:
    """The nearest sequence that never falls: [2, 0, 3], weights [1, 1, 1] -> [1, 1, 3]."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, heavy, many), (two, light, few) = blocks[-2:]
            total = heavy + light
            blocks[-2:] = [((one * heavy + two * light) / total, total, many + few)]
    return np.concatenate([np.full(size, value) for value, _, size in blocks])
