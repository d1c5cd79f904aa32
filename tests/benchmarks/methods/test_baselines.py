from __future__ import annotations

import numpy as np
import pytest
from support.catalogs import draw_picture

from itemsearch.benchmarks.methods.baselines import (
    embed_images,
    embed_titles,
    hash_images,
    load_image_network,
    tfidf_scores,
)


@pytest.fixture(autouse=True)
def small_images() -> None:
    """Images keep the size of the baselines here."""


def test_images_and_titles_are_embedded_and_missing_ones_are_zero() -> None:
    images = embed_images([draw_picture(0), None, draw_picture(0)], load_image_network())
    assert images.shape == (3, 1280)
    assert not images[1].any()
    np.testing.assert_allclose(images[0], images[2], rtol=1e-5)
    titles = embed_titles(["a red mug", "", "a red mug", "a lamp"])
    assert titles.shape == (4, 384)
    assert not titles[1].any()
    cosines = (titles / np.linalg.norm(titles, axis=1, keepdims=True).clip(1e-12)) @ titles[0]
    assert cosines[2] > 1.1 * cosines[3] > 0


def test_tfidf_ranks_the_title_of_the_same_words_first() -> None:
    gallery = ["apple iphone 8 64gb", "apple iphone 8 256gb", "red mug"]
    scores = np.stack(list(tfidf_scores(["iphone 8 256gb", "mug"], gallery)))
    assert scores.argmax(axis=1).tolist() == [1, 2]
    assert scores[1, 0] == 0


def test_hashes_are_compared_by_their_bits() -> None:
    image, other = draw_picture(3), draw_picture(4)
    hashes = hash_images([image, image.resize((96, 128)), other, None])
    assert hashes[0] @ hashes[0] == 1
    assert hashes[0] @ hashes[1] > 0.9 > hashes[0] @ hashes[2]
    assert not hashes[3].any()
