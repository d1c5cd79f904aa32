from __future__ import annotations

import numpy as np
from support.catalogs import draw_picture, titles

from itemsearch.benchmarks.experiments.reproduction_exam import (
    Exam,
    Listings,
    follows_second,
    mean_cosine,
    places_of_right,
    spread,
    take,
    whiten,
)
from itemsearch.benchmarks.experiments.reproduction_variants import BOTH, PICTURE, TITLE
from itemsearch.embed.encoder import Encoder


def test_the_right_product_comes_after_what_ties_with_it() -> None:
    scores = np.array([[0.9, 0.9, 0.1], [0.2, 0.8, 0.3], [0.5, 0.7, 0.6]], np.float32)
    assert places_of_right(scores).tolist() == [2, 1, 2]


def test_a_mixed_listing_follows_the_nearer_of_two() -> None:
    first, second = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[1, 2, 0]]
    queries = np.array([[1, 0.5, 0], [0, 0.2, 0.9], [0.5, 0, 0.5]], np.float32)
    assert follows_second(queries, first, second).tolist() == [0, 1, 0.5]


def test_collapse_is_seen() -> None:
    rng = np.random.default_rng(0)
    free = rng.standard_normal((400, 8)).astype(np.float32)
    free /= np.linalg.norm(free, axis=1, keepdims=True)
    assert abs(mean_cosine(free)) < 0.05
    assert spread(free) > 7
    line = np.zeros((400, 8), np.float32)
    line[:, 0], line[:, 1] = 1, rng.normal(0, 0.01, 400)
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    assert mean_cosine(line) > 0.999
    assert spread(line) < 1.2


def test_whitening_lets_a_faint_direction_tell_products_apart() -> None:
    rng = np.random.default_rng(1)
    scale, blur = np.array([1, 0.02, 0.02, 0.02, 0.02]), np.array([0.2, 0.001, 0.001, 0.001, 0.001])
    differing = rng.standard_normal((60, 5)) * scale
    products = np.hstack([np.full((60, 1), 3.0), differing]).astype(np.float32)
    asked = products + np.hstack([np.zeros((60, 1)), rng.standard_normal((60, 5)) * blur])
    gallery, queries = whiten(products, asked.astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(gallery, axis=1), 1, rtol=1e-5)
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (asked, products)]
    assert (places_of_right(unit[0] @ unit[1].T) == 1).mean() < 0.5
    assert (places_of_right(queries @ gallery.T) == 1).mean() > 0.9


def test_an_exam_of_the_products_themselves_is_passed(encoder: Encoder) -> None:
    seen = Listings(titles(12), [draw_picture(number) for number in range(12)])
    answered = take(encoder, Exam(seen, seen), BOTH)
    assert (answered.places[BOTH] == 1).all()
    assert (answered.places[PICTURE] == 1).all()
    assert answered.follows_picture is not None
    assert list(take(encoder, Exam(seen, seen), TITLE).places) == [TITLE, "title alone, whitened"]
