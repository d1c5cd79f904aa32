"""Simulation of a photo from another angle, by a random perspective of the photo."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

MOST_CUT = 0.3
"""Largest share of a side by which a corner moves inwards, along each axis."""


def other_angle(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A quadrilateral of the picture stretched to the same size, mirrored half of the time."""
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
