"""What a drawer is told about a product."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from itemsearch.sample.canvas import Colour, Point
from itemsearch.sample.patterns import pattern_mask

_STEPS = 40


@dataclass(frozen=True, slots=True)
class Look:
    """How one product looks. Products of a series share `shape` and differ in one of the others.

    `shape` holds three numbers from 0 to 1 that the drawer reads as it likes; `size` is 0 for the
    smallest of its kind and 1 for the largest; `detail` counts in the kind's list, 0 being none.
    """

    colour: Colour
    accent: Colour
    pattern: str
    word: str
    shape: tuple[float, float, float]
    size: float
    detail: int

    def fill(self, centre: Point = (0.5, 0.5), scale: float = 1.0) -> Image.Image:
        """The product's cloth, SIDE x SIDE: colour, with the pattern around `centre` in the accent."""
        # Rounded, so that products whose middles nearly agree share one drawn pattern.
        x, y = (round(place * _STEPS) / _STEPS for place in centre)
        mask = pattern_mask(self.pattern, self.word, (x, y), scale)
        cloth = Image.new("RGB", mask.size, self.colour)
        cloth.paste(self.accent, mask=mask)
        return cloth
