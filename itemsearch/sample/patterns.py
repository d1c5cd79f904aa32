"""Surface patterns as masks of the area in the second colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from itemsearch.sample.canvas import Mask, Pen, Point, around

_Painter = Callable[[Pen, Point, float], object]


@lru_cache(maxsize=512)
def pattern_mask(name: str, word: str, centre: Point, scale: float) -> Mask:
    """The mask of a pattern of `PATTERNS`, "Plain", or "Lettering", which writes `word` at `centre`."""
    pen = Pen()
    if name == "Lettering":
        pen.text(centre, word, 0.4 * scale / max(3, len(word)))
    elif name != "Plain":
        PATTERNS[name](pen, centre, scale)
    return pen.mask()


def _stripes(pen: Pen, centre: Point, scale: float) -> None:
    for place in _steps(centre[1], 0.11 * scale):
        pen.box((0, place, 1, place + 0.05 * scale))


def _vertical_stripes(pen: Pen, centre: Point, scale: float) -> None:
    for place in _steps(centre[0], 0.08 * scale):
        pen.box((place - 0.018 * scale, 0, place + 0.018 * scale, 1))


def _diagonal_stripes(pen: Pen, centre: Point, scale: float) -> None:
    for place in _steps(centre[0], 0.12 * scale, -1.0, 1.0):
        pen.polygon([(place, 0), (place + 0.05 * scale, 0), (place + 1 + 0.05 * scale, 1), (place + 1, 1)])


def _pinstripes(pen: Pen, centre: Point, scale: float) -> None:
    for place in _steps(centre[1], 0.045 * scale):
        pen.box((0, place, 1, place + 0.012 * scale))


def _checks(pen: Pen, centre: Point, scale: float) -> None:
    """Gingham: half strength where one band lies, full where two cross."""
    step = 0.09 * scale
    rows, columns = list(_steps(centre[1], step)), list(_steps(centre[0], step))
    for row in rows:
        pen.box((0, row, 1, row + step / 2), ink=130)
    for column in columns:
        pen.box((column, 0, column + step / 2, 1), ink=130)
    for row in rows:
        for column in columns:
            pen.box((column, row, column + step / 2, row + step / 2))


def _grid(pen: Pen, centre: Point, scale: float) -> None:
    for row in _steps(centre[1], 0.1 * scale):
        pen.box((0, row, 1, row + 0.012 * scale))
    for column in _steps(centre[0], 0.1 * scale):
        pen.box((column, 0, column + 0.012 * scale, 1))


def _small_dots(pen: Pen, centre: Point, scale: float) -> None:
    for place in _places(centre, 0.06 * scale):
        pen.ellipse(place, (0.014 * scale, 0.014 * scale))


def _large_dots(pen: Pen, centre: Point, scale: float) -> None:
    for place in _places(centre, 0.13 * scale):
        pen.ellipse(place, (0.036 * scale, 0.036 * scale))


def _chevrons(pen: Pen, centre: Point, scale: float) -> None:
    step = 0.05 * scale
    columns = list(_steps(centre[0], step, -0.2, 1.2))
    for row in _steps(centre[1], 0.11 * scale, -0.2, 1.2):
        upper = [(column, row + step * (place % 2)) for place, column in enumerate(columns)]
        pen.polygon([*upper, *((x, y + 0.045 * scale) for x, y in reversed(upper))])


def _waves(pen: Pen, centre: Point, scale: float) -> None:
    for row in _steps(centre[1], 0.085 * scale):
        line = [(x, row + 0.02 * scale * math.sin(x * 44 / scale)) for x in np.linspace(-0.1, 1.1, 90)]
        pen.polygon([*line, *((x, y + 0.025 * scale) for x, y in reversed(line))])


def _flowers(pen: Pen, centre: Point, scale: float) -> None:
    for x, y in _places(centre, 0.15 * scale):
        for petal in range(5):
            at = around((x, y), 0.026 * scale, petal / 5 + 6 * x)
            pen.ellipse(at, (0.019 * scale, 0.019 * scale))
        pen.ellipse((x, y), (0.012 * scale, 0.012 * scale), ink=0)


def _leaves(pen: Pen, centre: Point, scale: float) -> None:
    """Sprigs: a stem with two pairs of leaves and one at the tip."""
    leaf = ((0.0, 0.0), (0.0, 0.0), (0.018, 0.011), (0.040, 0.0), (0.040, 0.0), (0.018, -0.011))
    for place in _places(centre, 0.17 * scale):
        turn = 0.14 * math.sin(60 * place[0] + 35 * place[1])
        foot, tip = around(place, -0.06 * scale, turn), around(place, 0.03 * scale, turn)
        pen.stroke([foot, tip], 0.007 * scale)
        joints = ((-0.035, 0.14), (-0.035, -0.14), (-0.002, 0.14), (-0.002, -0.14), (0.025, 0.0))
        for height, aside in joints:
            joint = around(place, height * scale, turn)
            pen.blob(
                [
                    around(around(joint, along * scale, turn + aside), across * scale, turn + aside + 0.25)
                    for along, across in leaf
                ]
            )


def _stars(pen: Pen, centre: Point, scale: float) -> None:
    for place in _places(centre, 0.13 * scale):
        pen.polygon([around(place, (0.036, 0.015)[corner % 2] * scale, corner / 10) for corner in range(10)])


def _hearts(pen: Pen, centre: Point, scale: float) -> None:
    unit = 0.028 * scale
    for x, y in _places(centre, 0.13 * scale):
        for side in (-1, 1):
            pen.ellipse((x + side * 0.48 * unit, y - 0.3 * unit), (0.62 * unit, 0.62 * unit))
        pen.polygon([(x - 1.0 * unit, y), (x + 1.0 * unit, y), (x, y + 1.25 * unit)])


def _triangles(pen: Pen, centre: Point, scale: float) -> None:
    for x, y in _places(centre, 0.09 * scale):
        pen.polygon(
            [
                (x, y - 0.028 * scale),
                (x + 0.03 * scale, y + 0.024 * scale),
                (x - 0.03 * scale, y + 0.024 * scale),
            ]
        )


def _terrazzo(pen: Pen, centre: Point, scale: float) -> None:
    rng = np.random.default_rng(7)
    for x, y in _places(centre, 0.065 * scale):
        aside, along = rng.uniform(-0.014, 0.014, 2).tolist()
        turns, radii = sorted(rng.random(5).tolist()), rng.uniform(0.008, 0.026, 5).tolist()
        middle = (x + aside * scale, y + along * scale)
        pen.polygon([around(middle, radius * scale, turn) for radius, turn in zip(radii, turns, strict=True)])


def _two_tone(pen: Pen, centre: Point, _: float) -> None:
    pen.box((0, centre[1] + 0.04, 1, 1))


def _band(pen: Pen, centre: Point, scale: float) -> None:
    pen.box((0, centre[1] - 0.045 * scale, 1, centre[1] + 0.045 * scale))


def _steps(through: float, step: float, start: float = 0.0, stop: float = 1.0) -> Iterator[float]:
    """Evenly spaced numbers from at most `start` to below `stop`, of which one is `through`."""
    place = through - math.ceil((through - start) / step) * step
    while place < stop:
        yield place
        place += step


def _places(centre: Point, step: float) -> Iterator[Point]:
    """Points of staggered rows over the whole picture, of which one is `centre`."""
    height = step * 0.87
    for y in _steps(centre[1], height, -step, 1 + step):
        odd = round((y - centre[1]) / height) % 2
        for x in _steps(centre[0] + odd * step / 2, step, -step, 1 + step):
            yield x, y


PATTERNS: dict[str, _Painter] = {
    "Stripes": _stripes,
    "Vertical Stripes": _vertical_stripes,
    "Diagonal Stripes": _diagonal_stripes,
    "Pinstripes": _pinstripes,
    "Checks": _checks,
    "Grid": _grid,
    "Small Dots": _small_dots,
    "Large Dots": _large_dots,
    "Chevrons": _chevrons,
    "Waves": _waves,
    "Flowers": _flowers,
    "Leaves": _leaves,
    "Stars": _stars,
    "Hearts": _hearts,
    "Triangles": _triangles,
    "Terrazzo": _terrazzo,
    "Two-Tone": _two_tone,
    "Band": _band,
}
