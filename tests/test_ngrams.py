from __future__ import annotations

import math
import zlib

import numpy as np
import pytest

from itemsearch.ngrams import (
    MAX_CHARACTERS,
    hash_ngrams,
    inverse_document_frequency,
    ngram_buckets,
    ngram_buckets_of,
)


def test_the_n_grams_of_a_word_are_those_counted_by_hand() -> None:
    by_hand = [" ca", "cat", "at ", " cat", "cat "]
    assert sorted(hash_ngrams("cat")) == sorted(1 + zlib.crc32(gram.encode()) % 2**31 for gram in by_hand)
    assert hash_ngrams("cat cat") == hash_ngrams("cat")
    assert set(hash_ngrams("cat dog")) == {*hash_ngrams("cat"), *hash_ngrams("dog")}


@pytest.mark.parametrize(
    ("title", "same"),
    [
        ("64 GB", "64gb"),
        ("iPhone 64 gb, 5 m cable", "iphone 64gb 5m cable"),
        ("Café Crème", "cafe creme"),
        ("MQ8N2B/A", "mq8n2b a"),
        ("  Red_mug -- (blue)!", "red mug blue"),
        ("size \uff14\uff12", "size 42"),
    ],
)
def test_spelling_that_says_nothing_is_dropped(title: str, same: str) -> None:
    assert hash_ngrams(title) == hash_ngrams(same)


@pytest.mark.parametrize(
    ("title", "other"), [("5 men", "5men"), ("64gb", "32gb"), ("mq8n2b", "mq8p2b"), ("x gb", "xgb")]
)
def test_what_tells_products_apart_is_kept(title: str, other: str) -> None:
    assert hash_ngrams(title) != hash_ngrams(other)


@pytest.mark.parametrize("title", ["", "   ", "!?/-", "_"])
def test_a_title_without_letters_or_digits_has_none(title: str) -> None:
    assert hash_ngrams(title) == []


def test_a_word_of_one_letter_has_one() -> None:
    assert hash_ngrams("x") == [1 + zlib.crc32(b" x ") % 2**31]
    assert len(hash_ngrams("xl")) == 3  # " xl", "xl ", " xl "


def test_no_title_is_too_long_and_only_its_beginning_is_read() -> None:
    title = " ".join(f"word{number}" for number in range(100_000))
    assert hash_ngrams(title) == hash_ngrams(title[:MAX_CHARACTERS])
    assert 0 < len(hash_ngrams(title)) <= 2 * (MAX_CHARACTERS + 2)


def test_hashes_are_above_zero_and_fit_every_bucket_but_the_first() -> None:
    titles = [f"word{number} {number}" for number in range(3000)]
    assert min(min(hash_ngrams(title)) for title in titles) > 0
    buckets = np.unique(np.concatenate([ngram_buckets(title, 16) for title in titles]))
    assert buckets.tolist() == list(range(1, 16))


def test_inverse_document_frequency_is_the_slow_obvious_one() -> None:
    titles = ["red mug", "red red cap", "blue mug", ""]
    frequency = inverse_document_frequency(iter(titles), 2**20)
    for word, holding in (("red", 2), ("mug", 2), ("cap", 1), ("lamp", 0)):
        for bucket in ngram_buckets(word, 2**20):
            assert frequency[bucket] == pytest.approx(math.log(5 / (1 + holding)) + 1)
    assert frequency[0] == 0


def test_the_buckets_of_many_titles_are_those_of_each() -> None:
    titles = ["red mug", "", "Caf\u00e9 64 GB", "red red cap", "!?"]
    buckets, counts = ngram_buckets_of(titles, 4096)
    each = [ngram_buckets(title, 4096) for title in titles]
    assert counts.tolist() == list(map(len, each))
    assert buckets.tolist() == np.concatenate(each).tolist()
    for title, found in zip(titles, each, strict=True):
        assert found.tolist() == sorted({1 + hashed % 4095 for hashed in hash_ngrams(title)})
