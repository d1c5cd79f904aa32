"""The colours of sample products, chosen to be clearly distinguishable, and of their materials."""

from __future__ import annotations

from itemsearch.sample.canvas import Colour

PALETTE: dict[str, Colour] = {
    "White": (236, 235, 230),
    "Cream": (240, 226, 194),
    "Sand": (212, 188, 148),
    "Mustard": (208, 154, 36),
    "Yellow": (246, 206, 62),
    "Orange": (234, 126, 40),
    "Terracotta": (188, 92, 64),
    "Coral": (242, 124, 106),
    "Red": (200, 40, 44),
    "Burgundy": (112, 28, 48),
    "Blush Pink": (240, 188, 188),
    "Hot Pink": (226, 70, 138),
    "Lilac": (188, 164, 214),
    "Purple": (104, 60, 140),
    "Navy": (34, 46, 86),
    "Royal Blue": (42, 86, 190),
    "Sky Blue": (138, 192, 228),
    "Teal": (22, 118, 124),
    "Turquoise": (64, 190, 186),
    "Mint": (174, 224, 198),
    "Sage Green": (150, 170, 138),
    "Forest Green": (36, 88, 58),
    "Olive": (112, 112, 52),
    "Lime": (168, 204, 60),
    "Brown": (90, 58, 42),
    "Tan": (178, 128, 82),
    "Light Grey": (192, 194, 197),
    "Charcoal": (64, 68, 75),
    "Black": (30, 30, 34),
}

STEEL: Colour = (186, 190, 196)
GOLD: Colour = (204, 164, 84)
OAK: Colour = (200, 158, 108)
WALNUT: Colour = (112, 74, 50)
INK: Colour = (40, 40, 46)
PAPER: Colour = (248, 246, 240)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A mixture of two colours, with `share` (0 to 1) of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def brightness(colour: Colour) -> float:
    """Perceived lightness, 0 to 255 (ITU-R BT.601 luma)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
