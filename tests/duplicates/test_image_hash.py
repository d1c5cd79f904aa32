from __future__ import annotations

import dataclasses
import io
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from support.catalogs import draw_picture
from support.indexes_of_listings import jpeg

from itemsearch.duplicates.pairs.image_hash import (
    SAME_COLOURS,
    SAME_HASH,
    ImageHashes,
    near_hash_pairs,
    read_image_hashes,
)
from itemsearch.store.sketches import Sketches, perceptual_hashes


def image_hashes_of(*pictures: bytes | None) -> ImageHashes:
    return read_image_hashes(pa.chunked_array([pa.array(pictures, pa.binary())]))


def of_hashes(has_image: np.ndarray, hashes: np.ndarray) -> ImageHashes:
    """Listings of one picture each, all of one colour."""
    none = ImageHashes.of_none(len(hashes))
    return dataclasses.replace(none, has_image=has_image, firsts=Sketches(hashes, none.firsts.colours))


def with_others(*listings: list[bytes]) -> ImageHashes:
    """Listings of several pictures each, the first one embedded."""
    thumbnails = pa.array([pictures[0] if pictures else None for pictures in listings], pa.binary())
    others = [Sketches.of_jpegs(pictures[1:]).to_bytes() or None for pictures in listings]
    further = pa.chunked_array([pa.array(others, pa.binary())])
    return read_image_hashes(pa.chunked_array([thumbnails]), others=further)


def saved(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def test_the_same_picture_saved_again_is_near_and_another_is_not() -> None:
    smaller = draw_picture(7).resize((36, 48))
    image_hashes = image_hashes_of(jpeg(7), jpeg(7), jpeg(7, 40), saved(smaller), jpeg(90), None)
    first = np.zeros(6, np.int64)
    assert image_hashes.same(first, np.arange(6)).tolist() == [True, True, False, False, False, False]
    distances = image_hashes.distance(first, np.arange(6))
    assert distances[:2].tolist() == [0, 0]
    assert max(distances[2:4]) <= 8
    assert distances[4] > 10
    assert image_hashes.both(first, np.arange(6)).tolist() == [True] * 5 + [False]


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
    image_hashes = image_hashes_of(
        *(saved(Image.new("RGB", size, "white")) for size in ((96, 96), (60, 80), (33, 47)))
    )
    assert len(set(image_hashes.hashes.tolist())) == 1


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
    image_hashes = of_hashes(shown, hashes)
    rows = np.flatnonzero(np.arange(40) % 5 != 0)
    a, b = near_hash_pairs(image_hashes, rows, np.arange(40), 40, most)
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
    image_hashes = of_hashes(np.ones(count, bool), np.zeros(count, np.uint64))
    a, _ = near_hash_pairs(image_hashes, np.arange(count), np.arange(count), 5, 6)
    assert len(a) <= 4 * 5 * count


def test_a_further_picture_is_the_same_as_any_of_the_other_listing() -> None:
    def recoloured(seed: int) -> bytes:
        return saved(Image.merge("RGB", draw_picture(seed).split()[::-1]))

    image_hashes = with_others(
        [jpeg(1), jpeg(2)],
        [jpeg(2, 40)],
        [jpeg(3), jpeg(2, 60), jpeg(4)],
        [jpeg(1)],
        [],
        [recoloured(2)],  # the hash is of grey alone
        [jpeg(5), jpeg(4, 50)],
    )
    pairs = [(a, b) for a in range(7) for b in range(7)]
    a, b = np.array(pairs).T
    shared = image_hashes.share_another(a, b)
    itself = {(0, 0), (2, 2), (6, 6)}
    expected = {(0, 1), (0, 2), (1, 2), (2, 6)}
    assert {pair for pair, is_shared in zip(pairs, shared, strict=True) if is_shared} == (
        expected | {(second, first) for first, second in expected} | itself
    )
    rows = np.arange(7)
    found = {frozenset(pair) for pair in zip(*near_hash_pairs(image_hashes, rows, rows, 20, 6), strict=True)}
    assert {frozenset(pair) for pair in [*expected, (0, 3)]} <= found
    assert all(len(pair) == 2 for pair in found), "a listing is no pair with itself"


def test_sketches_are_what_was_written() -> None:
    sketches = Sketches.of_jpegs([jpeg(seed) for seed in range(5)])
    again = Sketches.from_bytes(sketches.to_bytes())
    np.testing.assert_array_equal(again.hashes, sketches.hashes)
    np.testing.assert_array_equal(again.colours, sketches.colours)
    assert Sketches.of_jpegs([]).to_bytes() == b""


@pytest.mark.parametrize("seed", range(3))
def test_shared_pictures_are_those_of_the_obvious_comparison(seed: int) -> None:
    rng = np.random.default_rng(seed)
    listings = [
        [jpeg(int(picture), int(rng.integers(50, 95))) for picture in rng.integers(12, size=rng.integers(5))]
        for _ in range(30)
    ]
    image_hashes = with_others(*listings)
    sketches = [Sketches.of_jpegs(pictures) for pictures in listings]

    def share(a: int, b: int) -> bool:
        return any(
            int(sketches[a].hashes[i] ^ sketches[b].hashes[j]).bit_count() <= SAME_HASH
            and np.abs(sketches[a].colours[i].astype(int) - sketches[b].colours[j]).mean() <= SAME_COLOURS
            for i in range(len(listings[a]))
            for j in range(len(listings[b]))
            if i or j
        )

    pairs = list(combinations(range(30), 2))
    a, b = np.array(pairs).T
    assert image_hashes.share_another(a, b).tolist() == [share(*pair) for pair in pairs]


def test_equal_pictures_are_hashed_once_and_alike_in_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [jpeg(1), None, jpeg(2), jpeg(1), jpeg(3), jpeg(2), None, jpeg(1)]
    every = image_hashes_of(*pictures)
    monkeypatch.setattr("itemsearch.duplicates.pairs.image_hash.BATCH_PICTURES", 3)
    done: list[int] = []
    column = pa.chunked_array([pa.array(pictures, pa.binary())])
    batched = read_image_hashes(column, progress=done.append)
    assert done == [3, 6, 8]
    one_by_one = [image_hashes_of(picture).hashes[0] for picture in pictures]
    assert batched.hashes.tolist() == every.hashes.tolist() == one_by_one
    assert batched.digests.tolist() == every.digests.tolist()


def test_digests_alone_tell_equal_pictures_but_no_distance() -> None:
    column = pa.chunked_array([pa.array([jpeg(1), jpeg(1), None], pa.binary())])
    digests = read_image_hashes(column, hashed=False)
    first, every = np.zeros(3, np.int64), np.arange(3)
    assert digests.same(first, every).tolist() == [True, True, False]
    assert not digests.known(first, every).any()
    assert read_image_hashes(column).known(first, every).tolist() == [True, True, False]
