from __future__ import annotations

import numpy as np
from PIL import Image
from support.catalogs import draw_picture

from itemsearch.relisting.angle import MOST_CUT, other_angle


def test_the_same_seed_gives_the_same_view_and_others_differ() -> None:
    image = draw_picture(3)
    first, again, other = (other_angle(image, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert first.size == image.size


def test_the_middle_of_the_picture_is_always_seen() -> None:
    pixels = np.zeros((100, 80, 3), np.uint8)
    left, top = int(80 * MOST_CUT), int(100 * MOST_CUT)
    pixels[top:-top, left:-left] = (255, 0, 0)
    image = Image.fromarray(pixels)
    for seed in range(20):
        seen = np.asarray(other_angle(image, np.random.default_rng(seed)))
        red = (pixels[..., 0] == 255).mean()
        assert (seen[..., 0] > 128).mean() > 0.95 * red


def test_half_of_the_views_are_mirrored() -> None:
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[:, 30:] = 255
    image = Image.fromarray(pixels)
    seen = [np.asarray(other_angle(image, np.random.default_rng(seed))).astype(float) for seed in range(60)]
    mirrored = [view[:, :30].mean() > view[:, 30:].mean() for view in seen]
    assert 15 <= sum(mirrored) <= 45
