"""The visible attributes of a sample product, which its drawing depends on."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from itemsearch.sample.canvas import Colour, Point
from itemsearch.sample.patterns import pattern_mask

_STEPS = 40


@dataclass(frozen=True, slots=True)
class Look:
    """The visible attributes of one product. Products of a series share `shape` and differ in one other.

    accent: the second colour, of the pattern and of details. word: the text of the pattern "Lettering".
    shape: three numbers from 0 to 1 that each drawing interprets. size: 0 for the smallest of its kind, 1 for
    the largest. detail: 0 for none, else 1, 2 or 3 (the docstring of each drawing says which).
    """

    colour: Colour
    accent: Colour
    pattern: str
    word: str
    shape: tuple[float, float, float]
    size: float
    detail: int

    def fill(self, centre: Point = (0.5, 0.5), scale: float = 1.0) -> Image.Image:
        """The surface, SIDE x SIDE: the colour, with the pattern around `centre` in the accent colour."""
        # Rounded, so that products with nearly the same centre share one cached pattern.
        x, y = (round(place * _STEPS) / _STEPS for place in centre)
        mask = pattern_mask(self.pattern, self.word, (x, y), scale)
        surface = Image.new("RGB", mask.size, self.colour)
        surface.paste(self.accent, mask=mask)
        return surface
