"""Which candidates of a listing, and which listings of a candidate, are rivals."""

from __future__ import annotations

import numpy as np

from itemsearch.matching.rivals import apart_for_copies, best_of_products

NO_CONFLICT = np.zeros(4, bool)
QUERY, CANDIDATE = np.array([0, 0, 0, 1]), np.array([5, 6, 7, 6])
STRENGTH = np.array([3.0, 2.5, 2.0, 1.0])


def test_candidates_that_are_alike_are_one_product_and_the_best_one_stands_for_them() -> None:
    alike = {(5, 6): 2.0, (5, 7): -8.0, (6, 7): -8.0}
    assert best_of_products(QUERY, CANDIDATE, STRENGTH, NO_CONFLICT, alike).tolist() == [0, 0, 2, 3]
    assert best_of_products(QUERY, CANDIDATE, STRENGTH, NO_CONFLICT, {}).tolist() == [0, 1, 2, 3]


def test_a_variant_does_not_stand_for_a_listing_without_a_conflict() -> None:
    conflict = np.array([True, False, False, False])
    assert best_of_products(QUERY, CANDIDATE, STRENGTH, conflict, {(5, 6): 9.0}).tolist() == [0, 1, 2, 3]


def test_listings_of_one_product_do_not_compete_for_a_candidate() -> None:
    assert apart_for_copies(QUERY, CANDIDATE, STRENGTH, {(0, 1)}, 8).tolist() == [5, 6, 7, 8]
    assert apart_for_copies(QUERY, CANDIDATE, STRENGTH, set(), 8).tolist() == CANDIDATE.tolist()
