"""Find a plain, light background and put another in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from itemsearch.indexes.arrays import Mask

_TOLERANCE = 14
_LEAST_BRIGHT = 205
_FULL_AT_HALF = [min(255, 2 * level) for level in range(256)]
_SURFACES = (
    (214, 190, 160), (176, 196, 214), (190, 205, 180), (222, 196, 200), (120, 128, 138), (232, 222, 190),
    (150, 112, 80), (70, 82, 96), (198, 190, 214), (160, 164, 160),
)  # fmt: skip


def border_colour(image: Image.Image) -> tuple[int, int, int]:
    """The median colour of the outermost pixels."""
    red, green, blue = np.median(_border(np.asarray(image)), axis=0)
    return int(red), int(green), int(blue)


def replace_background(image: Image.Image, rng: np.random.Generator) -> Image.Image | None:
    """Put a colour, a gradient or a texture behind the product; None where the background is not plain.

    The background is what the borders reach through pixels of their own light colour, so a white
    print inside the product stays.
    """
    mask = plain_background(image)
    if mask is None:
        return None
    return Image.composite(_surface(image.size, rng), image, _softened(mask))


def plain_background(image: Image.Image) -> Mask | None:
    """Mask (H, W) of the plain light background of `image`, or None where there is none."""
    colour = border_colour(image)
    if min(colour) < _LEAST_BRIGHT:
        return None
    red, green, blue = ImageChops.difference(image, Image.new("RGB", image.size, colour)).split()
    farthest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    alike = np.asarray(farthest) <= _TOLERANCE
    if _border(alike).mean() < 0.8:
        return None
    mask = flood_from_borders(alike)
    # A white product on white is flooded too: it would vanish.
    return mask if 0.1 < mask.mean() < 0.9 else None


def flood_from_borders(free: Mask) -> Mask:
    """The pixels of `free` (H, W) that a path of free pixels, up, down, left or right, joins to the border.

    Works a run of free pixels at a time, along rows and columns in turn: a run that holds a reached
    pixel is reached as a whole. Few turns are needed unless the free space is a maze.
    """
    reached = np.zeros_like(free)
    reached[[0, -1]] = free[[0, -1]]
    reached[:, [0, -1]] = free[:, [0, -1]]
    by_row, by_column = _runs(free), _runs(free.T)
    count = 0
    while (now := int(reached.sum())) != count:
        count = now
        reached = _spread(reached, free, by_row)
        reached = _spread(reached.T, free.T, by_column).T
    return reached


def _runs(free: Mask) -> npt.NDArray[np.int32]:
    """Number the runs of free pixels along rows: walls, and starts of rows, begin another."""
    walls = ~free
    walls[:, 0] = True
    return np.cumsum(walls.ravel(), dtype=np.int32).reshape(free.shape)


def _spread(reached: Mask, free: Mask, runs: npt.NDArray[np.int32]) -> Mask:
    run_reached = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    run_reached[runs[reached]] = True
    return run_reached[runs] & free


def _border(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The outermost pixels of (H, W, ...) in a row."""
    return np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def _softened(mask: Mask) -> Image.Image:
    """Grown by half a pixel, which takes the light seam around the product, and smooth at the edge."""
    return Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(1)).point(_FULL_AT_HALF)


def _surface(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    first, second = (_SURFACES[place] for place in rng.choice(len(_SURFACES), 2, replace=False))
    kind = rng.integers(3)
    if kind == 0:
        return Image.new("RGB", size, first)
    if kind == 1:
        corners = np.array([[first, first], [second, second]], np.uint8)
        return Image.fromarray(corners).resize(size, Image.Resampling.BILINEAR)
    grain = rng.normal(0.0, 16.0, (int(rng.integers(6, 40)), int(rng.integers(4, 40)), 1))
    texture = np.clip(np.array(first) + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(texture).resize(size, Image.Resampling.BICUBIC)
