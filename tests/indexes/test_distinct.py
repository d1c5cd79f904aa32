from __future__ import annotations

import numpy as np

from itemsearch.indexes.storage.distinct import DistinctVectors, find_representatives, hash_rows


def repeated_rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    different = rng.standard_normal((20, 3)).astype(np.float32)
    which = rng.integers(len(different), size=200)
    return different[which], which


def test_representatives_are_the_lowest_row_of_the_same_vector() -> None:
    vectors, which = repeated_rows(0)
    expected = [int(np.flatnonzero(which == one)[0]) for one in which]
    assert find_representatives(hash_rows(vectors), vectors).tolist() == expected


def test_colliding_hashes_never_merge_different_vectors() -> None:
    vectors, which = repeated_rows(1)
    representatives = find_representatives(np.zeros(len(vectors), np.uint64), vectors)
    assert (which[representatives] == which).all()
    assert (representatives[which == which[0]] == 0).all()


def test_hashes_tell_vectors_apart_by_place_sign_and_last_bit() -> None:
    vectors = np.array([[1, 2, 3], [3, 2, 1], [1, 2, -3], [1, 2, np.nextafter(np.float32(3), 4)]], np.float32)
    assert len(set(hash_rows(vectors).tolist())) == 4


def test_rows_of_an_entry_come_in_order_of_tie_rank() -> None:
    representatives = np.array([0, 1, 0, 3, 0, 1])
    distinct = DistinctVectors.from_representatives(representatives, tie_rank=np.array([5, 4, 3, 2, 1, 0]))
    assert len(distinct) == 3
    assert distinct.rows.tolist() == [4, 2, 0, 5, 1, 3]
    assert distinct.offsets.tolist() == [0, 3, 5, 6]
    assert distinct.first_rows(np.array([[0, 2, -1]])).tolist() == [[4, 3, -1]]


def test_rows_of_scored_entries_stop_where_none_can_be_among_the_first() -> None:
    distinct = DistinctVectors.from_representatives(np.array([0, 0, 0, 3, 3, 5]), tie_rank=np.arange(6))
    scores = np.array([[0.9, 0.9, 0.1], [0.9, 0.2, -np.inf]], np.float32)
    entries = np.array([[0, 1, 2], [2, 1, -1]])
    query, score, row = distinct.rows_of(scores, entries, 2)
    assert query.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert row.tolist() == [0, 1, 3, 4, 5, 3, 4]  # the tie of entries 0 and 1 is left open, entry 2 is out
    np.testing.assert_array_equal(score, np.float32([0.9, 0.9, 0.9, 0.9, 0.9, 0.2, 0.2]))
