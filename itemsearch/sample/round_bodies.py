"""Bodies of revolution, such as mugs, bottles and lamps: outlines, level circles and wrapped surfaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image

from itemsearch.sample.canvas import SIDE, Mask, Pen, smooth

_TILT = 0.16
"""Ratio of height to width of a level circle, seen slightly from above."""


def turned(profile: Sequence[tuple[float, float]], centre: float = 0.5) -> Mask:
    """The outline of an upright body, whose `profile` gives (y, radius) from top to bottom."""
    (top, top_radius), (bottom, bottom_radius) = profile[0], profile[-1]
    side = smooth([(radius, y) for y, radius in profile], closed=False)
    left, right = side * (-1, 1), side[::-1]
    return (
        Pen()
        .polygon(np.concatenate((left, right)) + np.array([centre, 0.0]))
        .ellipse((centre, top), (top_radius, top_radius * _TILT))
        .ellipse((centre, bottom), (bottom_radius, bottom_radius * _TILT))
        .mask()
    )


def level_disc(height: float, radius: float, centre: float = 0.5) -> Pen:
    """A level circle: a lid, a rim, the mouth of a vessel."""
    return Pen().ellipse((centre, height), (radius, radius * _TILT))


def wrapped(fill: Image.Image, centre: float, radius: float) -> Image.Image:
    """A flat picture bent around an upright cylinder: compressed at the sides, lowered at the front."""
    turns = np.linspace(0.0, math.pi, 25)
    places = np.unique(np.rint((centre - radius * np.cos(turns)) * SIDE)).astype(int).tolist()
    edges = np.clip((np.array(places) / SIDE - centre) / radius, -1.0, 1.0)
    seen = (centre + radius * 0.8 * np.arcsin(edges)) * SIDE
    rises = -radius * _TILT * np.sqrt(1.0 - edges**2) * SIDE
    mesh = []
    for strip, (left, right) in enumerate(pairwise(places)):
        (x, next_x), (y, next_y) = seen[strip : strip + 2], rises[strip : strip + 2]
        quad = (x, y, x, SIDE + y, next_x, SIDE + next_y, next_x, next_y)
        mesh.append(((left, 0, right, SIDE), quad))
    return fill.transform(fill.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
