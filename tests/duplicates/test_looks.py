from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from conftest import draw_picture
from listed import jpeg
from PIL import Image

from itemsearch.duplicates.looks import Looks, near_pictures, perceptual_hashes, read_looks


def looks_of(*pictures: bytes | None) -> Looks:
    return read_looks(pa.chunked_array([pa.array(pictures, pa.binary())]))


def saved(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def test_the_same_picture_saved_again_is_near_and_another_is_not() -> None:
    smaller = draw_picture(7).resize((36, 48))
    looks = looks_of(jpeg(7), jpeg(7), jpeg(7, 40), saved(smaller), jpeg(90), None)
    first = np.zeros(6, np.int64)
    assert looks.same(first, np.arange(6)).tolist() == [True, True, False, False, False, False]
    distances = looks.distance(first, np.arange(6))
    assert distances[:2].tolist() == [0, 0]
    assert max(distances[2:4]) <= 8
    assert distances[4] > 10
    assert looks.both(first, np.arange(6)).tolist() == [True] * 5 + [False]


def test_a_hash_is_of_the_lowest_frequencies_of_the_cosine_transform() -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 32, 32)).astype(np.float32)
    places = np.arange(32)
    for picture, found in zip(pictures, perceptual_hashes(pictures), strict=True):
        low = [
            sum(
                picture[y] @ np.cos((places + 0.5) * v * np.pi / 32) * np.cos((y + 0.5) * u * np.pi / 32)
                for y in places
            )
            for u in range(8)
            for v in range(8)
        ]
        bits = "".join("1" if value > np.median(low) else "0" for value in low)
        assert int(found) == int(bits, 2)


def test_blank_pictures_are_all_alike() -> None:
    looks = looks_of(*(saved(Image.new("RGB", size, "white")) for size in ((96, 96), (60, 80), (33, 47))))
    assert len(set(looks.hashes.tolist())) == 1


@pytest.mark.parametrize("most", [0, 3, 8])
def test_near_pictures_are_those_within_a_distance(most: int) -> None:
    rng = np.random.default_rng(1)
    hashes = rng.integers(2**63, size=40, dtype=np.uint64)
    for row in range(20, 40):  # each a few bits from another
        flipped = rng.integers(64, size=row % 10)
        hashes[row] = hashes[row - 20] ^ np.bitwise_or.reduce(
            np.uint64(1) << flipped.astype(np.uint64), initial=0
        )
    shown = np.arange(40) % 7 != 0
    looks = Looks(shown, hashes, hashes)
    rows = np.flatnonzero(np.arange(40) % 5 != 0)
    a, b = near_pictures(looks, rows, np.arange(40), 40, most)
    found = {frozenset(pair) for pair in zip(a.tolist(), b.tolist(), strict=True)}
    kept = [row for row in rows.tolist() if shown[row]]
    expected = {
        frozenset(pair)
        for pair in combinations(kept, 2)
        if (int(hashes[pair[0]]) ^ int(hashes[pair[1]])).bit_count() <= most
    }
    assert found == expected


def test_one_picture_of_many_listings_makes_a_few_pairs_each() -> None:
    count = 30_000
    looks = Looks(np.ones(count, bool), np.zeros(count, np.uint64), np.zeros(count, np.uint64))
    a, _ = near_pictures(looks, np.arange(count), np.arange(count), 5, 6)
    assert len(a) <= 4 * 5 * count
