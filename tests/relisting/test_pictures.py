from __future__ import annotations

import colorsys
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw

from itemsearch.relisting.pictures import EDIT_NAMES, rephotograph

Colour = tuple[int, int, int]


def photo(colour: Colour = (200, 60, 40), ground: Colour = (250, 250, 250), side: int = 160) -> Image.Image:
    image = Image.new("RGB", (side, side), ground)
    box = (side * 0.2, side * 0.2, side * 0.75, side * 0.85)
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image


def middle_hue(image: Image.Image) -> float:
    """Hue, 0 to 1, of the median colour around the centre, where the product is."""
    width, height = image.size
    middle = np.asarray(image)[height * 4 // 10 : height * 6 // 10, width * 4 // 10 : width * 6 // 10]
    return colorsys.rgb_to_hsv(*(np.median(middle, axis=(0, 1)) / 255))[0]


def test_every_edit_is_made_and_named() -> None:
    image, seen = photo(), Counter[str]()
    for seed in range(300):
        new, names = rephotograph(image, np.random.default_rng(seed), 1)
        (name,) = names
        assert new.mode == "RGB"
        assert new.size != image.size or ImageChops.difference(new, image).getbbox(), name
        seen[name] += 1
    assert set(seen) == set(EDIT_NAMES)


def test_all_edits_at_once_in_order() -> None:
    _, names = rephotograph(photo(), np.random.default_rng(1), len(EDIT_NAMES))
    assert names == EDIT_NAMES


def test_the_original_is_left_alone() -> None:
    image = photo()
    before = image.tobytes()
    for seed in range(60):
        rephotograph(image, np.random.default_rng(seed), 4)
    assert image.tobytes() == before


def test_sizes() -> None:
    image = photo()
    for seed in range(200):
        new, (name,) = rephotograph(image, np.random.default_rng(seed), 1)
        if name == "cropped":
            assert all(0.59 <= side / 160 <= 0.91 for side in new.size)
        elif name == "frame":
            assert all(160 < side < 190 for side in new.size)
        else:
            assert new.size == (160, 160)


@pytest.mark.parametrize("ground", [(40, 60, 90), (180, 180, 180)])
def test_a_dark_background_is_not_replaced_but_another_edit_made(ground: Colour) -> None:
    image = photo(ground=ground)
    for seed in range(100):
        _, names = rephotograph(image, np.random.default_rng(seed), 2)
        assert len(names) == 2
        assert "background" not in names


def test_a_new_background_leaves_the_product_whole() -> None:
    image = photo()
    seen = 0
    for seed in range(120):
        new, (name,) = rephotograph(image, np.random.default_rng(seed), 1)
        if name == "background":
            seen += 1
            assert new.getpixel((75, 85)) == (200, 60, 40)
            assert np.abs(np.asarray(new, np.int16)[3, 3] - 250).max() > 14
    assert seen


@pytest.mark.parametrize(
    "colour", [(200, 40, 44), (240, 130, 40), (30, 110, 50), (40, 80, 190), (120, 60, 150)]
)
def test_colours_stay_recognisable(colour: Colour) -> None:
    image = photo(colour)
    hue = middle_hue(image)
    for seed in range(90):
        new, names = rephotograph(image, np.random.default_rng(seed), 1 + seed % 3)
        away = abs(middle_hue(new) - hue)
        assert min(away, 1 - away) < 0.035, names


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (7, 200)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    for seed in range(20):
        new, _ = rephotograph(Image.new("RGB", size, (255, 255, 255)), np.random.default_rng(seed), 11)
        assert min(new.size) >= 1


def test_same_generator_same_picture() -> None:
    first, second = (rephotograph(photo(), np.random.default_rng(9), 5) for _ in range(2))
    assert first[1] == second[1]
    assert first[0].tobytes() == second[0].tobytes()
