"""Random generation of invented products, in series of one brand and model that differ in one attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from itemsearch.sample.canvas import Colour
from itemsearch.sample.colours import PALETTE, brightness
from itemsearch.sample.kinds import KINDS, ProductKind
from itemsearch.sample.look import Look
from itemsearch.sample.names import MODELS, WORDS

_BACKGROUNDS: tuple[Colour, ...] = ((253, 253, 252), (250, 249, 246), (248, 249, 251))

_CONTRAST = 62
"""Smallest difference in brightness, of 0 to 255, between a product's two colours."""


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """An invented product with all its attributes.

    shape: three numbers from 0 to 1 that the kind's drawing interprets. size: index into `kind.sizes`.
    detail: 0 for none, else a number from 1 into `kind.details`.
    """

    kind: ProductKind
    brand: str
    model: str
    material: str
    shape: tuple[float, float, float]
    colour: str
    accent: str
    pattern: str
    word: str
    size: int
    detail: int

    @property
    def look(self) -> Look:
        """The attributes that the drawing depends on."""
        size = self.size / max(1, len(self.kind.sizes) - 1)
        colour, accent = PALETTE[self.colour], PALETTE[self.accent]
        return Look(colour, accent, self.pattern, self.word, self.shape, size, self.detail)

    @property
    def background(self) -> Colour:
        """The background colour of all pictures of its brand."""
        return _BACKGROUNDS[len(self.brand) % len(_BACKGROUNDS)]

    @property
    def decoration(self) -> str:
        """The pattern in words, such as "White Large Dots"; "" for a plain product."""
        if self.pattern == "Plain":
            return ""
        return (
            f'{self.accent} "{self.word}"' if self.pattern == "Lettering" else f"{self.accent} {self.pattern}"
        )

    @property
    def title(self) -> str:
        """The title, in one of three formats that the brand determines."""
        colours = f"{self.colour} with {self.decoration}" if self.decoration else self.colour
        size, noun = self.kind.sizes[self.size], self.kind.noun
        detail = self.kind.details[self.detail - 1] if self.detail else ""
        match self.kind.brands.index(self.brand) % 3:
            case 0:
                parts = [f"{self.brand} {self.model} {self.material} {noun} {size}".rstrip(), colours, detail]
                return ", ".join(filter(None, parts))
            case 1:
                parts = [
                    f"{self.brand} {noun} {self.model}",
                    colours,
                    f"{self.material} {size}".rstrip(),
                    detail,
                ]
                return " - ".join(filter(None, parts))
            case _:
                extras = ", ".join(filter(None, [size, colours, detail]))
                return f"{self.model} {self.material} {noun} by {self.brand} ({extras})"

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes by the names that `itemsearch.relisting.words` uses."""
        return {
            "brand": self.brand,
            "colour": self.colour,
            "pattern": self.decoration,
            "material": self.material,
            "category": self.kind.noun,
            "size": self.kind.sizes[self.size],
        }


def invent_products(count: int, rng: np.random.Generator) -> list[SampleProduct]:
    """`count` products with distinct titles, in series of one to eight, which take each kind in turn."""
    product_by_title: dict[str, SampleProduct] = {}
    kinds, series_count = cycle(KINDS), Counter[tuple[str, str, str]]()
    while len(product_by_title) < count:
        first = _first_of_series(next(kinds), rng)
        name = (first.kind.category, first.brand, first.model)
        series_count[name] += 1
        if series_count[name] > 1:
            first = replace(first, model=f"{first.model} {series_count[name]}")
        series = _series(first, int(rng.integers(1, 9)), rng)
        product_by_title |= {product.title: product for product in series}
    return list(product_by_title.values())[:count]


def _first_of_series(kind: ProductKind, rng: np.random.Generator) -> SampleProduct:
    colour = _pick(list(PALETTE), rng)
    first, second, third = rng.random(3).tolist()
    return SampleProduct(
        kind=kind,
        brand=_pick(kind.brands, rng),
        model=_pick(MODELS, rng),
        material=_pick(kind.materials, rng),
        shape=(first, second, third),
        colour=colour,
        accent=_pick(_contrasting(colour), rng),
        pattern=_pick(kind.patterns, rng) if rng.random() < 0.6 else "Plain",
        word=_pick(WORDS, rng),
        size=int(rng.integers(len(kind.sizes))),
        detail=int(rng.integers(4)) if rng.random() < 0.4 else 0,
    )


def _series(first: SampleProduct, length: int, rng: np.random.Generator) -> Iterator[SampleProduct]:
    """The first product, and others that each differ from it in one attribute."""
    yield first
    for _ in range(length - 1):
        yield _sibling(first, rng)


def _sibling(product: SampleProduct, rng: np.random.Generator) -> SampleProduct:
    """The product with one attribute drawn anew."""
    kind, pattern = product.kind, product.pattern
    change = rng.choice(("colour", "accent", "pattern", "size", "detail"), p=(0.4, 0.1, 0.2, 0.15, 0.15))
    if change == "pattern":
        return replace(product, pattern=_pick(("Plain", *kind.patterns), rng))
    if change == "size" and len(kind.sizes) > 1:
        return replace(product, size=int(rng.integers(len(kind.sizes))))
    if change == "detail":
        return replace(product, detail=int(rng.integers(4)))
    # The title of a plain product does not name the second colour, so it would not be distinct.
    if change == "accent" and pattern != "Plain":
        return replace(product, accent=_pick(_contrasting(product.colour), rng))
    return replace(product, colour=_pick(_contrasting(product.accent), rng))


def _contrasting(colour: str) -> list[str]:
    """Names of the colours of a clearly different brightness."""
    level = brightness(PALETTE[colour])
    return [name for name, other in PALETTE.items() if abs(brightness(other) - level) >= _CONTRAST]


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
