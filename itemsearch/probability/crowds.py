"""Crowds: one listing many times over, so that its members are no rivals of each other.

A pair is a crowd's where both of its listings are strong, and are strong with enough others that they share.
On training catalogs no family of siblings with pictures is one, and one in twenty such pairs of offers by
title alone is wrong.

Shapes: N listings, P pairs.
"""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Doubles, Ints, Mask
from itemsearch.probability.compared import ComparedPairs, ranked

STRONG = 1.0
"""Log-odds of the evidence of a strong pair."""
SHARED = 6
"""So many others two listings of a crowd are both strong with."""
LOOKED_AT = 32
"""Of each listing's others, to find these."""


def crowd_weights(pairs: ComparedPairs) -> Doubles:
    """(P,) how much each pair counts: 1 but in a crowd of M listings, whose pairs count M / 2 in all."""
    strong = np.flatnonzero(pairs.strength >= STRONG)
    a, b = pairs.a[strong], pairs.b[strong]
    linked = share_others(pairs.listings, a, b)
    label = _components(pairs.listings, a[linked], b[linked])
    within = label[pairs.a] == label[pairs.b]
    size = np.bincount(label, minlength=pairs.listings)
    weights: Doubles = np.where(within, 1 / np.maximum(size[label[pairs.a]] - 1, 1), 1.0)
    return weights


def share_others(listings: int, a: Ints, b: Ints) -> Mask:
    """(P,) which of the pairs a, b have listings that share `SHARED` others that they are paired with.

    Of a listing's others, those of most pairs are looked at: where not all pairs of a crowd are compared, all
    of it is with a few.
    """
    total = max(listings, 1)
    keys = np.sort(_keys(a, b, total))
    source, target = np.concatenate([a, b]), np.concatenate([b, a])
    pairs = np.bincount(source, minlength=listings).astype(np.float64)
    order, starts = ranked(source, pairs[target], listings)
    shared = np.zeros(len(a), np.int64)
    for place in range(LOOKED_AT):
        at = starts[a] + place
        there = np.flatnonzero(at < starts[a + 1])
        if not len(there):
            break
        shared[there] += _among(_keys(b[there], target[order[at[there]]], total), keys)
    linked: Mask = shared >= SHARED
    return linked


def _components(listings: int, a: Ints, b: Ints) -> Ints:
    """(N,) the least listing that each is linked with, at however many steps."""
    label = np.arange(listings)
    while True:
        low = np.minimum(label[a], label[b])
        before = label.copy()
        np.minimum.at(label, a, low)
        np.minimum.at(label, b, low)
        label = label[label]
        if np.array_equal(label, before):
            return label


def _keys(a: Ints, b: Ints, total: int) -> Ints:
    keys: Ints = np.minimum(a, b) * total + np.maximum(a, b)
    return keys


def _among(keys: Ints, ordered: Ints) -> Mask:
    """(K,) which keys are among ordered ones, of which there is one at least."""
    found = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    among: Mask = ordered[found] == keys
    return among
