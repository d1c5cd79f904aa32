from __future__ import annotations

import numpy as np
import pytest

from itemsearch.ngrams import NGRAM_BUCKETS, hash_ngrams, inverse_document_frequency
from itemsearch.ranking.evidence import KINDS, EvidenceReader, ListingArrays

PARTS = {"stream": 4, "image": 3, "colour": 2, "lexical": 5}
TITLES = ["Apple iPhone 8 64GB", "apple iphone 8 64 gb gold", "Apple iPhone 8 256GB", "", "Red mug"]


def some_listings(titles: list[str], has_image: list[bool], seed: int) -> ListingArrays:
    """Random vectors, their picture's parts and sketch zero where the listing lacks the modality."""
    vectors = np.random.default_rng(seed).normal(size=(len(titles), 14)).astype(np.float32)
    vectors[~np.array(has_image), 4:9] = 0
    vectors[[not title for title in titles], 9:] = 0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ListingArrays(vectors, titles, np.array(has_image))


def frequency() -> np.ndarray:
    return inverse_document_frequency(filter(None, TITLES), NGRAM_BUCKETS)


def slow_cosine(a: np.ndarray, b: np.ndarray) -> float:
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norms) if norms else 0.0


def slow_words(one: str, other: str, power: float) -> float:
    weights = frequency() ** power
    vectors = []
    for title in (one, other):
        dense = np.zeros(NGRAM_BUCKETS)
        for gram in hash_ngrams(title):
            dense[1 + gram % (NGRAM_BUCKETS - 1)] = weights[1 + gram % (NGRAM_BUCKETS - 1)]
        vectors.append(dense)
    return slow_cosine(*vectors)


def test_every_piece_is_as_computed_slowly() -> None:
    reader = EvidenceReader(PARTS, frequency())
    query = some_listings(TITLES[:1], [True], seed=1)
    found = some_listings(TITLES, [True, False, True, True, False], seed=2)
    evidence = reader.compare(query, found)
    assert reader.features == ("stream", "image", "colour", "words", "rare_words")
    places = {"stream": slice(0, 4), "image": slice(4, 7), "colour": slice(7, 9)}
    for row in range(len(TITLES)):
        expected = [slow_cosine(query.vectors[0][part], found.vectors[row][part]) for part in places.values()]
        expected += [slow_words(TITLES[0], TITLES[row], power) for power in (1.0, 3.0)]
        np.testing.assert_allclose(evidence.features[row], expected, atol=1e-5)
        np.testing.assert_allclose(evidence.joint[row], query.vectors[0] @ found.vectors[row], atol=1e-6)
    assert [KINDS[kind] for kind in evidence.kinds] == ["both", "numbered", "both", "image", "title"]
    np.testing.assert_array_equal(np.isnan(evidence.title_similarity), [False, False, False, True, False])
    np.testing.assert_array_equal(np.isnan(evidence.image_similarity), [False, True, False, False, True])
    pictures = slice(4, 9)
    assert evidence.image_similarity[0] == pytest.approx(
        slow_cosine(query.vectors[0][pictures], found.vectors[0][pictures])
    )
    assert evidence.title_similarity[1] == pytest.approx(slow_words(TITLES[0], TITLES[1], 1.0), abs=1e-5)


def test_a_rare_difference_counts_more_among_rare_words() -> None:
    titles = [f"phone case model {number}{letter}q7" for number in range(10, 60) for letter in "ab"]
    reader = EvidenceReader({"stream": 2}, inverse_document_frequency(titles, NGRAM_BUCKETS))
    listings = ListingArrays(
        np.ones((2, 2), np.float32), ["phone case model 11aq7", "model 10aq7"], np.zeros(2, bool)
    )
    query = ListingArrays(np.ones((1, 2), np.float32), ["phone case model 10aq7"], np.zeros(1, bool))
    words, rare = reader.compare(query, listings).features[:, 1:].T
    assert rare[1] > words[1]
    assert rare[1] - rare[0] > words[1] - words[0]


def test_a_query_without_anything_in_common_has_only_the_stream() -> None:
    reader = EvidenceReader(PARTS, frequency())
    evidence = reader.compare(some_listings([""], [True], 3), some_listings(["Red mug"], [False], 4))
    assert KINDS[evidence.kinds[0]] == "neither"
    np.testing.assert_array_equal(evidence.features[0, 1:], 0)
    assert evidence.features[0, 0] != 0


def test_no_candidates() -> None:
    reader = EvidenceReader(PARTS, frequency())
    nothing = some_listings(TITLES, [True] * 5, 5).take(np.array([], np.int64))
    assert reader.compare(some_listings(["mug"], [True], 6), nothing).features.shape == (0, 5)
