"""The kinds of sample products: category, drawing, and the values that their attributes may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from itemsearch.sample.canvas import Canvas
from itemsearch.sample.draw_accessories import cap, sunglasses, umbrella
from itemsearch.sample.draw_carry import backpack, handbag, notebook
from itemsearch.sample.draw_dials import clock, watch
from itemsearch.sample.draw_home import chair, cushion, lamp
from itemsearch.sample.draw_kitchen import bottle, mug, teapot
from itemsearch.sample.draw_tech import headphones, phone_case, speaker
from itemsearch.sample.draw_wear import dress, t_shirt, trainer
from itemsearch.sample.look import Look
from itemsearch.sample.names import HOME_BRANDS, TECH_BRANDS, WEAR_BRANDS
from itemsearch.sample.patterns import PATTERNS

_QUIET = ("Two-Tone", "Pinstripes", "Small Dots", "Terrazzo", "Waves")
_ALL_OVER = tuple(name for name in PATTERNS if name not in ("Two-Tone", "Band"))
_WITH_BANDS = tuple(PATTERNS)
_WITH_WORDS = (*PATTERNS, "Lettering", "Lettering")


@dataclass(frozen=True, slots=True)
class ProductKind:
    """A kind of product, which is a category of its own.

    noun: names it in titles. draw: draws a product with the given look. sizes: from small to large, ("",) for
    one size. details: names of the details 1, 2 and 3 of the drawing. prices: lowest and highest.
    """

    category: str
    noun: str
    draw: Callable[[Canvas, Look], None]
    brands: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: tuple[str, ...]
    details: tuple[str, str, str]
    patterns: tuple[str, ...]
    prices: tuple[int, int]


KINDS = (
    ProductKind(
        "Mugs", "Mug", mug, HOME_BRANDS, ("Stoneware", "Porcelain", "Enamel"),
        ("250 ml", "350 ml", "450 ml"), ("Gold Rim", "Oak Lid", "Contrast Handle"), _WITH_WORDS, (8, 24),
    ),
    ProductKind(
        "Teapots", "Teapot", teapot, HOME_BRANDS, ("Stoneware", "Porcelain", "Cast Iron"),
        ("0.6 L", "0.9 L", "1.2 L"), ("Gold Knob", "Oak Handle", "Little Feet"), _ALL_OVER, (24, 68),
    ),
    ProductKind(
        "Bottles", "Water Bottle", bottle, HOME_BRANDS, ("Stainless Steel", "Tritan", "Glass"),
        ("500 ml", "750 ml", "1000 ml"), ("Straw Lid", "Carry Loop", "Steel Base"), _WITH_WORDS, (12, 38),
    ),
    ProductKind(
        "Cushions", "Cushion", cushion, HOME_BRANDS, ("Cotton", "Linen", "Velvet"),
        ("45 x 45 cm", "50 x 40 cm", "60 x 50 cm"), ("Tassels", "Piping", "Centre Button"), _WITH_WORDS,
        (14, 49),
    ),
    ProductKind(
        "Lamps", "Table Lamp", lamp, HOME_BRANDS, ("Linen", "Cotton", "Paper"),
        ("28 cm", "32 cm", "36 cm"), ("Oak Base", "Brass Base", "Pull Chain"), _ALL_OVER, (29, 129),
    ),
    ProductKind(
        "Chairs", "Chair", chair, HOME_BRANDS, ("Upholstered", "Lacquered", "Boucle"), ("",),
        ("Armrests", "Steel Legs", "Seat Pad"), _ALL_OVER, (79, 289),
    ),
    ProductKind(
        "Clocks", "Wall Clock", clock, HOME_BRANDS, ("Metal", "Wooden", "Silent"),
        ("25 cm", "30 cm", "35 cm"), ("Numerals", "Second Hand", "Gold Inner Rim"), _QUIET, (19, 75),
    ),
    ProductKind(
        "T-Shirts", "T-Shirt", t_shirt, WEAR_BRANDS, ("Cotton", "Organic Cotton", "Jersey"), ("",),
        ("V-Neck", "Chest Pocket", "Contrast Sleeves"), _WITH_WORDS, (12, 45),
    ),
    ProductKind(
        "Dresses", "Dress", dress, WEAR_BRANDS, ("Cotton", "Viscose", "Linen"), ("Mini", "Midi", "Maxi"),
        ("Belt", "Long Sleeves", "Collar"), _ALL_OVER, (29, 139),
    ),
    ProductKind(
        "Trainers", "Trainers", trainer, WEAR_BRANDS, ("Canvas", "Leather", "Mesh"), ("",),
        ("High Top", "Side Arrow", "Strap"), _ALL_OVER, (39, 149),
    ),
    ProductKind(
        "Caps", "Cap", cap, WEAR_BRANDS, ("Cotton", "Wool", "Corduroy"), ("",),
        ("Badge", "Eyelets", "Contrast Brim"), _WITH_WORDS, (14, 39),
    ),
    ProductKind(
        "Sunglasses", "Sunglasses", sunglasses, WEAR_BRANDS, ("Acetate", "Polarised", "Bio-Nylon"), ("",),
        ("Mirrored Lenses", "Double Bridge", "Tinted Lenses"),
        ("Stripes", "Small Dots", "Terrazzo", "Checks"), (25, 159),
    ),
    ProductKind(
        "Umbrellas", "Umbrella", umbrella, WEAR_BRANDS, ("Windproof", "Recycled", "Automatic"),
        ("90 cm", "100 cm", "110 cm"), ("Oak Handle", "Beaded Edge", "Gold Tip"), _ALL_OVER, (18, 59),
    ),
    ProductKind(
        "Backpacks", "Backpack", backpack, WEAR_BRANDS, ("Canvas", "Nylon", "Waxed Cotton"),
        ("14 L", "18 L", "24 L"), ("Side Pockets", "Buckled Straps", "Roll Top"), _ALL_OVER, (35, 129),
    ),
    ProductKind(
        "Handbags", "Handbag", handbag, WEAR_BRANDS, ("Leather", "Vegan Leather", "Canvas"),
        ("Small", "Medium", "Large"), ("Contrast Flap", "Chain Strap", "Charm"), _ALL_OVER, (39, 249),
    ),
    ProductKind(
        "Watches", "Watch", watch, TECH_BRANDS, ("Quartz", "Automatic", "Solar"),
        ("36 mm", "40 mm", "44 mm"), ("Date Window", "Chronograph", "Gold Case"), _ALL_OVER, (49, 349),
    ),
    ProductKind(
        "Notebooks", "Notebook", notebook, HOME_BRANDS, ("Hardcover", "Linen", "Recycled"),
        ("A6", "A5", "A4"), ("Elastic Band", "Spiral Bound", "Ribbon"), _WITH_WORDS, (5, 22),
    ),
    ProductKind(
        "Phone Cases", "Phone Case", phone_case, TECH_BRANDS, ("Silicone", "Hard Shell", "Biodegradable"),
        ("for Orbix 8", "for Zentra X2", "for Pello Pro 5"),
        ("Ring Holder", "Wrist Strap", "Card Pocket"), _WITH_WORDS, (9, 35),
    ),
    ProductKind(
        "Headphones", "Headphones", headphones, TECH_BRANDS, ("Wireless", "Over-Ear", "Noise Cancelling"),
        ("",), ("Microphone", "Cable", "Padded Band"), _ALL_OVER, (29, 299),
    ),
    ProductKind(
        "Speakers", "Speaker", speaker, TECH_BRANDS, ("Portable", "Bookshelf", "Bluetooth"),
        ("10 W", "20 W", "30 W"), ("Carry Handle", "Light Rings", "Steel Feet"), _WITH_BANDS, (25, 199),
    ),
)  # fmt: skip
