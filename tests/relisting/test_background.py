from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from itemsearch.relisting.background import flood_from_borders, plain_background


def slow_flood(free: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A pixel at a time."""
    height, width = free.shape
    reached = np.zeros_like(free)
    edge = [
        (y, x) for y in range(height) for x in range(width) if y in (0, height - 1) or x in (0, width - 1)
    ]
    waiting = [place for place in edge if free[place]]
    while waiting:
        y, x = waiting.pop()
        if not reached[y, x]:
            reached[y, x] = True
            around = ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            waiting += [(j, i) for j, i in around if 0 <= j < height and 0 <= i < width and free[j, i]]
    return reached


@pytest.mark.parametrize("seed", range(25))
def test_flood_equals_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    free = rng.random((int(rng.integers(1, 30)), int(rng.integers(1, 30)))) < rng.uniform(0.3, 0.8)
    np.testing.assert_array_equal(flood_from_borders(free), slow_flood(free))


def test_flood_follows_a_spiral() -> None:
    free = np.ones((15, 15), np.bool_)
    for ring in range(1, 7, 2):
        free[ring, ring : 15 - ring] = free[14 - ring, ring : 15 - ring] = False
        free[ring : 15 - ring, ring] = free[ring : 15 - ring, 14 - ring] = False
        free[ring + ring % 4, ring] = True
    np.testing.assert_array_equal(flood_from_borders(free), slow_flood(free))
    assert flood_from_borders(free)[7, 7]


def test_white_inside_the_product_is_no_background() -> None:
    image = Image.new("RGB", (40, 40), (255, 255, 255))
    ImageDraw.Draw(image).ellipse((8, 8, 32, 32), fill=(255, 255, 255), outline=(200, 0, 0), width=3)
    mask = plain_background(image)
    assert mask is not None
    assert mask[1, 1]
    assert not mask[20, 20]


@pytest.mark.parametrize("colour", [(255, 255, 255), (30, 30, 30)])
def test_no_background_without_a_product_or_in_the_dark(colour: tuple[int, int, int]) -> None:
    assert plain_background(Image.new("RGB", (20, 20), colour)) is None
