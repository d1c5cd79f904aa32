"""Drawing of smooth masks, light and shadow, in units of the picture's side from (0, 0) at the top left.

Outlines are drawn three times as large and averaged down, which smooths their edges; colours and light are
computed at the final size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

SIDE = 320
"""Side of every picture and mask in pixels."""
_OVERSIZE = 3

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]
Mask = Image.Image
"""An image of mode "L"; 255 is inside, 0 outside."""
Light = npt.NDArray[np.float32]
"""(SIDE, SIDE) factor of a colour's brightness: 1 leaves it, less darkens, more whitens."""


class Pen:
    """Collects outlines into one mask. The drawing methods return the pen itself."""

    def __init__(self) -> None:
        self._image = Image.new("L", (SIDE * _OVERSIZE, SIDE * _OVERSIZE))
        self._draw = ImageDraw.Draw(self._image)

    def ellipse(self, centre: Point, radii: Point, ink: int = 255) -> Self:
        """A filled ellipse; an `ink` of 0 erases."""
        (x, y), (across, down) = centre, radii
        self._draw.ellipse(_scaled((x - across, y - down, x + across, y + down)), fill=ink)
        return self

    def box(self, box: Box, radius: float = 0.0, ink: int = 255) -> Self:
        """A filled rectangle (left, top, right, bottom), with corners of `radius`."""
        self._draw.rounded_rectangle(_scaled(box), radius * SIDE * _OVERSIZE, fill=ink)
        return self

    def polygon(self, points: npt.ArrayLike, ink: int = 255) -> Self:
        """A filled polygon of (N, 2) points."""
        self._draw.polygon(_scaled(points), fill=ink)
        return self

    def blob(self, corners: Sequence[Point], ink: int = 255) -> Self:
        """A closed outline with rounded corners; name a corner twice to keep it sharp."""
        return self.polygon(smooth(corners, closed=True), ink)

    def stroke(self, points: Sequence[Point], width: float, ink: int = 255) -> Self:
        """A smooth line of even width with round ends."""
        line = smooth(points, closed=False).tolist() if len(points) > 2 else points
        pixels = max(1, round(width * SIDE * _OVERSIZE))
        self._draw.line(_scaled(line), fill=ink, width=pixels)
        # Pillow's own joints leave cracks in wide lines of many short pieces.
        radius = (pixels - 1) / (2 * SIDE * _OVERSIZE)
        for place in line:
            self.ellipse(place, (radius, radius), ink)
        return self

    def text(self, centre: Point, word: str, height: float, ink: int = 255) -> Self:
        """A word in bold, with letters of about `height`."""
        font = ImageFont.load_default(height * SIDE * _OVERSIZE)
        x, y = _scaled(centre)
        bold = height * SIDE * _OVERSIZE / 24
        self._draw.text((x, y), word, fill=ink, font=font, anchor="mm", stroke_width=bold)
        return self

    def mask(self) -> Mask:
        """The outlines as a mask of the final size."""
        mask = Image.new("L", (SIDE, SIDE))
        if box := self._image.getbbox():
            left, top = box[0] // _OVERSIZE, box[1] // _OVERSIZE
            right, bottom = -(-box[2] // _OVERSIZE), -(-box[3] // _OVERSIZE)
            inked = (left * _OVERSIZE, top * _OVERSIZE, right * _OVERSIZE, bottom * _OVERSIZE)
            mask.paste(self._image.reduce(_OVERSIZE, inked), (left, top))
        return mask


Shape = Pen | Mask
Fill = Image.Image | Colour


class Canvas:
    """A picture in progress, on a light background that darkens a little towards the bottom."""

    def __init__(self, background: Colour) -> None:
        column = np.linspace(1.0, 0.975, SIDE)[:, None, None] * np.array(background)  # (SIDE, 1, 3)
        self._image = Image.fromarray(np.rint(column).astype(np.uint8)).resize(
            (SIDE, SIDE), Image.Resampling.NEAREST
        )

    def paint(self, shape: Shape, fill: Fill, light: Light | None = None, opacity: float = 1.0) -> None:
        """Covers the shape with a colour or picture under a light."""
        mask = _mask(shape)
        box = mask.getbbox()
        if box is None:
            return
        cover = mask.crop(box)
        if opacity < 1.0:
            cover = cover.point([round(level * opacity) for level in range(256)])
        colour = fill.crop(box) if isinstance(fill, Image.Image) else Image.new("RGB", cover.size, fill)
        if light is not None:
            colour = _lit(colour, light[box[1] : box[3], box[0] : box[2]])
        self._image.paste(colour, box, cover)

    def raised(self, shape: Shape, fill: Fill, depth: float, strength: float = 0.5) -> None:
        """Paints with the light of `relief`."""
        mask = _mask(shape)
        self.paint(mask, fill, relief(mask, depth, strength))

    def shadow(self, shape: Shape, blur: float, strength: float, shift: Point = (0.0, 0.0)) -> None:
        """Darkens the blurred and shifted shape."""
        moved = ImageChops.offset(_mask(shape), round(shift[0] * SIDE), round(shift[1] * SIDE))
        left, top, right, bottom = moved.getbbox() or (0, 0, 0, 0)
        margin = round(3 * blur * SIDE)
        area = (
            max(0, left - margin),
            max(0, top - margin),
            min(SIDE, right + margin),
            min(SIDE, bottom + margin),
        )
        brightness = _blurred(moved.crop(area), blur).point(
            [255 - round(level * strength) for level in range(256)]
        )
        self._image.paste(ImageChops.multiply(self._image.crop(area), _grey(brightness)), area)

    def floor_shadow(self, centre: Point, across: float) -> None:
        """The shadow of a standing object on the floor: wide and faint, with a dark line of contact."""
        self.shadow(Pen().ellipse(centre, (across * 1.15, across * 0.16)), 0.035, 0.32)
        self.shadow(Pen().ellipse(centre, (across, across * 0.05)), 0.012, 0.35)

    def picture(self) -> Image.Image:
        """The picture so far, RGB, SIDE x SIDE."""
        return self._image.copy()


def smooth(points: Sequence[Point], closed: bool) -> npt.NDArray[np.float64]:
    """(N, 2) points of a polygon (`closed`) or line with its corners rounded."""
    return np.asarray(_corner_cutting(len(points), closed) @ np.array(points))


@lru_cache
def _corner_cutting(count: int, closed: bool) -> npt.NDArray[np.float64]:
    """(N, count) weights of corners in points after four cuts (Chaikin, 1974); a line keeps its ends."""
    line = corners = np.eye(count)
    for _ in range(4):
        after = np.roll(line, -1, axis=0) if closed else line[1:]
        before = line if closed else line[:-1]
        cuts = (0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after)
        line = np.stack(cuts, axis=1).reshape(-1, count)  # (N, 2, count) -> (2 N, count)
    return line if closed else np.concatenate((corners[:1], line, corners[-1:]))


def symmetric(right: Sequence[Point]) -> list[Point]:
    """A closed outline, symmetric left to right, from its right half, top to bottom."""
    return [*right, *flipped(right[::-1], -1)]


def flipped(points: Sequence[Point], side: int) -> list[Point]:
    """The points as they are for side 1, mirrored left to right for side -1."""
    return [(0.5 + side * (x - 0.5), y) for x, y in points]


def around(centre: Point, radius: float, turn: float) -> Point:
    """A point on a circle, `turn` of the way round, clockwise from the top."""
    angle = 2 * math.pi * turn
    return centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle)


def within(shape: Shape, outline: Mask) -> Mask:
    """The part of the shape inside the outline."""
    return ImageChops.multiply(_mask(shape), outline)


def relief(mask: Mask, depth: float = 0.03, strength: float = 0.5) -> Light:
    """Light from the upper left on a cushion of the mask's shape; `depth` is how far its edges round."""
    light = np.ones((SIDE, SIDE), np.float32)
    left, top, right, bottom = mask.getbbox() or (0, 0, 2, 2)
    margin = round(2.5 * depth * SIDE)
    area = (left - margin, top - margin, right + margin, bottom + margin)
    # Floating point, because integer heights would show as a weave.
    height = np.asarray(_blurred(mask.crop(area), depth, "F"))
    inner = height[margin - 1 : margin + bottom - top + 1, margin - 1 : margin + right - left + 1]
    rise = 0.6 * (inner[1:-1, 2:] - inner[1:-1, :-2]) + (inner[2:, 1:-1] - inner[:-2, 1:-1])
    light[top:bottom, left:right] += rise * np.float32(strength * depth * SIDE / 510)
    return light


def cylinder(mask: Mask, gloss: float = 0.25) -> Light:
    """Light on an upright round body as wide as the mask, with an upright reflection."""
    left, _, right, _ = mask.getbbox() or (0, 0, SIDE, SIDE)
    across = np.clip((np.arange(SIDE, dtype=np.float32) - (left + right) / 2) / ((right - left) / 2), -1, 1)
    facing = np.sqrt(1 - across**2) * 0.86 - across * 0.5
    shade = 0.62 + 0.40 * np.clip(facing, 0, 1) + gloss * np.exp(-(((across + 0.5) / 0.14) ** 2))
    return np.broadcast_to(shade.astype(np.float32), (SIDE, SIDE))


def slope(top: float, bottom: float) -> Light:
    """Light that changes evenly from the picture's top edge to its bottom edge."""
    return np.broadcast_to(np.linspace(top, bottom, SIDE, dtype=np.float32)[:, None], (SIDE, SIDE))


def _mask(shape: Shape) -> Mask:
    return shape.mask() if isinstance(shape, Pen) else shape


def _lit(colour: Image.Image, light: Light) -> Image.Image:
    shade = Image.fromarray((np.minimum(light, 1.0) * 255).astype(np.uint8))
    gleam = Image.fromarray((np.clip(light - 1.0, 0.0, 1.0) * 255).astype(np.uint8))
    return ImageChops.screen(ImageChops.multiply(colour, _grey(shade)), _grey(gleam))


def _grey(level: Image.Image) -> Image.Image:
    """An L image as RGB."""
    return Image.merge("RGB", (level, level, level))


def _blurred(mask: Mask, radius: float, mode: str = "L") -> Image.Image:
    """Blurred by a share of the side. Wide blurs are computed at a smaller size, which is not visible."""
    pixels = radius * SIDE
    factor = max(1, int(pixels / 2.5))
    small = mask.reduce(factor).filter(ImageFilter.GaussianBlur(pixels / factor)).convert(mode)
    return small.resize(mask.size, Image.Resampling.BICUBIC) if factor > 1 else small


def _scaled(values: npt.ArrayLike) -> list[float]:
    """Coordinates in pixels of the oversized image, flat."""
    flat: list[float] = (np.asarray(values, np.float64) * (SIDE * _OVERSIZE)).ravel().tolist()
    return flat
