"""A stand-in for another photo of the same product: what edits of the one photo at hand cannot show."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

MOST_CUT = 0.3
"""Share of a side that a corner may move inwards, along each axis."""


def other_angle(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture seen nearer and slanted, mirrored half of the time; of the same size."""
    width, height = image.size
    cut = rng.uniform(0, MOST_CUT, (4, 2)) * (width, height)
    corners = np.array([(0, 0), (0, height), (width, height), (width, 0)]) + cut * [
        (1, 1),
        (1, -1),
        (-1, -1),
        (-1, 1),
    ]
    slanted = image.transform(
        image.size, Image.Transform.QUAD, corners.ravel().tolist(), Image.Resampling.BILINEAR
    )
    return ImageOps.mirror(slanted) if rng.random() < 0.5 else slanted
