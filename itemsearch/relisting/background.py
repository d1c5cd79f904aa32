"""Detection of a plain, light background, and its replacement."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from itemsearch.indexes.arrays import Mask

_TOLERANCE = 14
"""Largest difference of any channel, of 0 to 255, between a background pixel and the border's colour."""
_LEAST_BRIGHTNESS = 205
"""Lowest value of any channel of a light background's colour."""
_DOUBLED = [min(255, 2 * level) for level in range(256)]
_SURFACES = (
    (214, 190, 160), (176, 196, 214), (190, 205, 180), (222, 196, 200), (120, 128, 138), (232, 222, 190),
    (150, 112, 80), (70, 82, 96), (198, 190, 214), (160, 164, 160),
)  # fmt: skip


def border_colour(image: Image.Image) -> tuple[int, int, int]:
    """The median colour of the outermost pixels of an RGB image, 0 to 255."""
    red, green, blue = np.median(_border(np.asarray(image)), axis=0)
    return int(red), int(green), int(blue)


def replace_background(image: Image.Image, rng: np.random.Generator) -> Image.Image | None:
    """The image with a colour, a gradient or a texture as background; None where its own is not plain.

    The background is the light area connected to the border, so a white print inside the product stays.
    """
    mask = plain_background(image)
    if mask is None:
        return None
    return Image.composite(_surface(image.size, rng), image, _softened(mask))


def plain_background(image: Image.Image) -> Mask | None:
    """(H, W) bool: the plain, light background of `image`; None where there is none."""
    colour = border_colour(image)
    if min(colour) < _LEAST_BRIGHTNESS:
        return None
    red, green, blue = ImageChops.difference(image, Image.new("RGB", image.size, colour)).split()
    largest_difference = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    similar = np.asarray(largest_difference) <= _TOLERANCE
    if _border(similar).mean() < 0.8:
        return None
    mask = flood_from_borders(similar)
    # A mask of nearly the whole picture includes a white product, which would vanish.
    return mask if 0.1 < mask.mean() < 0.9 else None


def flood_from_borders(free: Mask) -> Mask:
    """(H, W) bool: the pixels of `free` that a path of free pixels, 4-connected, joins to the border.

    The flood fill spreads a run of free pixels at a time, along rows and columns in turn, until nothing is
    added: a run with a reached pixel is reached as a whole. Few turns are needed, except in a maze.

    Four rows of four pixels, free (.) or not (#), the runs along rows as `_runs` numbers them, and the pixels
    reached (o) at the border, after a turn along the rows and after one along the columns:

        . # # #     1  2  3  4    o # # #    o # # #    o # # #
        # . . #     5  5  5  6    # . . #    # . . #    # o . #
        # . # #     7  7  8  9    # . # #    # . # #    # o # #
        # . . .    10 10 10 10    # o o o    # o o o    # o o o

    The second turn along the rows reaches the pixel that is left.
    """
    reached = np.zeros_like(free)
    reached[[0, -1]] = free[[0, -1]]
    reached[:, [0, -1]] = free[:, [0, -1]]
    row_runs, column_runs = _runs(free), _runs(free.T)
    previous_count = 0
    while (count := int(reached.sum())) != previous_count:
        previous_count = count
        reached = _spread(reached, free, row_runs)
        reached = _spread(reached.T, free.T, column_runs).T
    return reached


def _runs(free: Mask) -> npt.NDArray[np.int32]:
    """(H, W) numbers of the runs of free pixels along rows, from 1.

    A pixel that is not free, and the first pixel of a row, starts a run; free pixels after it belong to it.
    """
    starts = ~free
    starts[:, 0] = True
    return np.cumsum(starts.ravel(), dtype=np.int32).reshape(free.shape)  # (H * W,) -> (H, W)


def _spread(reached: Mask, free: Mask, runs: npt.NDArray[np.int32]) -> Mask:
    """(H, W) bool: the free pixels of all runs with a reached pixel."""
    run_reached = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    run_reached[runs[reached]] = True
    return run_reached[runs] & free


def _border(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W, ...) -> (2 H + 2 W, ...): the outermost pixels, corners twice."""
    return np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def _softened(mask: Mask) -> Image.Image:
    """The mask with a smooth edge, grown by half a pixel to cover the light seam around the product."""
    return Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(1)).point(_DOUBLED)


def _surface(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A new background: one colour, a vertical gradient of two, or a noise texture."""
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
