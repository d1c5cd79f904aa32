"""Invented products: series of one brand and model, whose members differ in one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from itemsearch.sample.canvas import Colour
from itemsearch.sample.colours import PALETTE, brightness
from itemsearch.sample.kinds import KINDS, Kind
from itemsearch.sample.look import Look
from itemsearch.sample.names import MODELS, WORDS

_GROUNDS: tuple[Colour, ...] = ((253, 253, 252), (250, 249, 246), (248, 249, 251))

_CONTRAST = 62
"""Least difference in brightness between a product's two colours."""


@dataclass(frozen=True, slots=True)
class Item:
    """A product as its maker knows it. `size` and `detail` count in the kind's lists, detail 0 being none."""

    kind: Kind
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
        size = self.size / max(1, len(self.kind.sizes) - 1)
        colour, accent = PALETTE[self.colour], PALETTE[self.accent]
        return Look(colour, accent, self.pattern, self.word, self.shape, size, self.detail)

    @property
    def ground(self) -> Colour:
        """The paper that its brand photographs all its products on."""
        return _GROUNDS[len(self.brand) % len(_GROUNDS)]

    @property
    def decoration(self) -> str:
        """The pattern in words: "White Large Dots"; "" where the product is plain."""
        if self.pattern == "Plain":
            return ""
        return (
            f'{self.accent} "{self.word}"' if self.pattern == "Lettering" else f"{self.accent} {self.pattern}"
        )

    @property
    def title(self) -> str:
        """In its brand's habit of writing titles."""
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
        """What can be said of the product without its title."""
        return {
            "brand": self.brand,
            "colour": self.colour,
            "pattern": self.decoration,
            "material": self.material,
            "category": self.kind.noun,
            "size": self.kind.sizes[self.size],
        }


def invent_items(count: int, rng: np.random.Generator) -> list[Item]:
    """`count` products with titles all different, each kind in turn, in series of one to eight."""
    items: dict[str, Item] = {}
    kinds, named = cycle(KINDS), Counter[tuple[str, str, str]]()
    while len(items) < count:
        first = _first_of_series(next(kinds), rng)
        name = (first.kind.category, first.brand, first.model)
        named[name] += 1
        if named[name] > 1:
            first = replace(first, model=f"{first.model} {named[name]}")
        items |= {item.title: item for item in _series(first, int(rng.integers(1, 9)), rng)}
    return list(items.values())[:count]


def _first_of_series(kind: Kind, rng: np.random.Generator) -> Item:
    colour = _pick(list(PALETTE), rng)
    first, second, third = rng.random(3).tolist()
    return Item(
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


def _series(first: Item, length: int, rng: np.random.Generator) -> Iterator[Item]:
    """The first product and siblings that each differ from it in one thing."""
    yield first
    for _ in range(length - 1):
        yield _sibling(first, rng)


def _sibling(item: Item, rng: np.random.Generator) -> Item:
    kind, pattern = item.kind, item.pattern
    change = rng.choice(("colour", "accent", "pattern", "size", "detail"), p=(0.4, 0.1, 0.2, 0.15, 0.15))
    if change == "pattern":
        return replace(item, pattern=_pick(("Plain", *kind.patterns), rng))
    if change == "size" and len(kind.sizes) > 1:
        return replace(item, size=int(rng.integers(len(kind.sizes))))
    if change == "detail":
        return replace(item, detail=int(rng.integers(4)))
    # A plain product's title does not name the second colour, so two could not be told apart by it.
    if change == "accent" and pattern != "Plain":
        return replace(item, accent=_pick(_contrasting(item.colour), rng))
    return replace(item, colour=_pick(_contrasting(item.accent), rng))


def _contrasting(colour: str) -> list[str]:
    level = brightness(PALETTE[colour])
    return [name for name, other in PALETTE.items() if abs(brightness(other) - level) >= _CONTRAST]


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
