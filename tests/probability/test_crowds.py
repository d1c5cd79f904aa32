"""The members of a crowd are no rivals of each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from itemsearch.probability.compared import ComparedPairs
from itemsearch.probability.crowds import crowd_weights
from itemsearch.probability.mixture import fit


def clique(listings: int, strength: float, others: int = 0) -> ComparedPairs:
    """All pairs of the first listings, and a weak one of each listing with each of `others` more."""
    a, b = np.triu_indices(listings, 1)
    weak_a = np.repeat(np.arange(listings), others)
    weak_b = np.tile(np.arange(listings, listings + others), listings)
    count = len(a) + len(weak_a)
    return ComparedPairs(
        listings + others,
        np.concatenate([a, weak_a]),
        np.concatenate([b, weak_b]),
        np.concatenate([np.full(len(a), strength), np.random.default_rng(1).normal(-5, 1.2, len(weak_a))]),
        np.full(count, 0.9),
        np.empty((count, 0), np.int64),
    )


def test_a_crowd_counts_half_a_pair_a_listing() -> None:
    weights = crowd_weights(clique(20, 3.0, others=5))
    within = weights < 1
    assert within.sum() == 190
    assert np.isclose(weights[within].sum(), 10)


def test_few_or_weak_ones_are_no_crowd() -> None:
    assert (crowd_weights(clique(7, 3.0)) == 1).all()
    assert (crowd_weights(clique(8, 3.0)) < 1).all()
    assert (crowd_weights(clique(20, 0.5)) == 1).all()
    assert len(crowd_weights(clique(1, 3.0))) == 0


def test_a_crowd_is_probable_where_only_part_of_its_pairs_is_compared() -> None:
    rng = np.random.default_rng(0)
    pairs = clique(80, 4.0, others=60)
    kept = (pairs.b >= 80) | (rng.random(len(pairs.a)) < 0.5)
    names = ("a", "b", "strength", "support", "levels")
    part = replace(pairs, **{name: getattr(pairs, name)[kept] for name in names})
    crowded = (part.a < 80) & (part.b < 80)
    probability = fit(part, across=False).probability
    assert probability[crowded].min() > 0.8
    assert probability[~crowded].max() < 0.1
