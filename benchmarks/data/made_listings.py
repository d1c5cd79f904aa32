"""Made listings of a large shop, and an encoder that embeds them in microseconds, to measure costs at scale.

Products come in families of siblings that differ in colour, size or capacity and share most of their picture.
A share of them is listed again by another seller, in other words and with the picture compressed anew. Every
listing has brand, price and seller, most have a GTIN. Equal seeds give equal listings.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from PIL import Image, ImageEnhance

from itemsearch.indexes.arrays import Floats, Ints
from itemsearch.relisting.words import reword

PARTS = {"stream": 384, "image": 128, "colour": 64, "lexical": 192}
"""Of the embeddings, as the shipped weights have them."""
LENGTHS = {"stream": 0.7, "image": 0.5, "colour": 0.3, "lexical": 0.4}
NOUN = 3.0
"""The length of a noun beside other words: things of one kind are near, as in shops."""
MOST_SIBLINGS = 8
RELISTED = 0.1
"""Of the products."""
WITH_GTIN = 0.7
CARRIED = pa.schema({name: pa.string() for name in ("brand", "price", "seller", "gtin")})
SIDE, GRID = 96, 6

_words = str.split
COLOURS = _words("black white grey silver gold red blue green yellow orange pink purple brown beige")
NOUNS = _words(
    "kettle toaster lamp chair table backpack bottle watch headphones speaker keyboard mouse monitor blender "
    "drill saw tent jacket trousers shirt shoes boots gloves scarf mug pan knife board towel pillow blanket "
    "clock mirror shelf stool desk rug vase basket bin fan heater humidifier scale thermometer razor brush "
    "trimmer helmet lock pump saddle racket ball net skates sled puzzle doll truck train blocks"
)
_NOUN_SET = frozenset(NOUNS)
QUALITIES = _words(
    "classic compact portable foldable wireless heavy duty premium organic outdoor travel kitchen office "
    "garden kids slim large round square soft wooden steel ceramic glass cotton leather bamboo"
)
SIZES = (
    *(
        "500 ml",
        "750 ml",
        "1 l",
        "64GB",
        "128GB",
        "256GB",
        "20 cm",
        "30 cm",
        "45 cm",
        "size M",
        "size L",
        "XL",
    ),
    *("", ""),
)
SYLLABLES = _words("ba do fen gar hul ki lor mas nev oki pra qua rin sol tav ulm vex wor xan yel zor")


@dataclass(frozen=True, slots=True)
class MadeListing:
    """picture: a JPEG of `SIDE` pixels a side. carried: of `CARRIED`, in order."""

    id: str
    title: str
    category: str
    picture: bytes
    carried: tuple[str | None, ...]

    @property
    def content_hash(self) -> str:
        """32 hex digits."""
        return hashlib.md5(self.title.encode() + self.picture, usedforsecurity=False).hexdigest()


def made_listings(count: int, seed: int, first_family: int = 0) -> Iterator[MadeListing]:
    """Yields `count` listings, family by family, products followed by their relistings."""
    every = (listing for number in itertools.count(first_family) for listing in made_family(number, seed))
    return itertools.islice(every, count)


def relisted(listing: MadeListing, seed: int) -> MadeListing:
    """A listing as another seller lists it."""
    return _relist(listing, np.random.default_rng([seed, 1, zlib.crc32(listing.id.encode())]), "incoming")


def made_family(number: int, seed: int) -> Iterator[MadeListing]:
    """Yields a product and its siblings, each followed by its relisting if it has one."""
    rng = np.random.default_rng([seed, number])
    brand, series = (_name(rng, syllables) for syllables in (3, 2))
    noun, quality, other = rng.choice(NOUNS), rng.choice(QUALITIES), rng.choice(QUALITIES)
    model = f"{series[:2].upper()}-{rng.integers(1000, 99_999)}"
    grid = rng.integers(0, 256, (GRID, GRID, 3))
    price = float(np.exp(rng.normal(3.5, 1.0)))
    variants = {
        (str(rng.choice(COLOURS)), str(rng.choice(SIZES))) for _ in range(int(rng.integers(1, MOST_SIBLINGS)))
    }
    for place, (colour, size) in enumerate(sorted(variants)):
        own = (0.7 * grid + 0.3 * rng.integers(0, 256, grid.shape)).astype(np.uint8)
        picture = _jpeg(Image.fromarray(own).resize((SIDE, SIDE), Image.Resampling.BICUBIC), 85)
        words = (
            brand.title(),
            series.title(),
            quality,
            noun,
            other,
            f"{model}{chr(65 + place)}",
            colour,
            size,
        )
        title = " ".join(words)
        gtin = _gtin(rng) if rng.random() < WITH_GTIN else None
        carried = (brand, f"{price * rng.uniform(0.9, 1.1):.2f}", f"seller {rng.integers(20)}", gtin)
        listing = MadeListing(f"{number:07d}-{place}", title.strip(), str(noun), picture, carried)
        yield listing
        if rng.random() < RELISTED:
            yield _relist(listing, rng, "again")


def _relist(listing: MadeListing, rng: np.random.Generator, ending: str) -> MadeListing:
    brand, price, _, gtin = listing.carried
    title, _ = reword(listing.title, {"brand": brand or ""}, rng, int(rng.integers(1, 4)))
    picture = listing.picture
    if rng.random() < 0.7:
        with Image.open(io.BytesIO(picture)) as image:
            brighter = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.9, 1.1)))
            picture = _jpeg(brighter, int(rng.integers(50, 85)))
    asked = f"{float(price or 1) * rng.uniform(0.95, 1.05):.2f}"
    kept = gtin if rng.random() < WITH_GTIN else None
    carried = (brand, asked, f"seller {20 + rng.integers(20)}", kept)
    return MadeListing(f"{listing.id}-{ending}", title, listing.category, picture, carried)


def _name(rng: np.random.Generator, syllables: int) -> str:
    return "".join(rng.choice(SYLLABLES, syllables).tolist())


def _gtin(rng: np.random.Generator) -> str:
    digits = [4, *rng.integers(0, 10, 11).tolist()]
    weighted = sum(digits[0::2]) + 3 * sum(digits[1::2])
    return "".join(map(str, [*digits, -weighted % 10]))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class MadeEncoder:
    """Embeds by words and colours alone: alike titles and pictures have near embeddings, others have not."""

    def __init__(self, seed: int) -> None:
        self.dim = sum(PARTS.values())
        self.seed = seed
        pixels = np.random.default_rng([seed, 2]).standard_normal((3 * GRID**2, PARTS["image"]), np.float32)
        self.projection = pixels / np.sqrt(3 * GRID**2)
        self._word = lru_cache(100_000)(self._draw_word)

    def encode(self, titles: Sequence[str], images: Sequence[Image.Image | None]) -> Floats:
        """N titles and N images of RGB -> (N, E) float32 of length 1."""
        small = np.stack([_pixels(image) for image in images])  # (N, GRID, GRID, 3)
        words = np.stack([sum(map(self._word, title.lower().split())) for title in titles])
        colours = (small // 64 @ np.array([16, 4, 1])).reshape(len(small), -1)
        histogram = (colours[:, :, None] == np.arange(64)).sum(axis=1)
        parts = {
            "stream": words[:, : PARTS["stream"]],
            "image": (small.reshape(len(small), -1) / 64 - 2) @ self.projection,
            "colour": histogram,
            "lexical": words[:, PARTS["stream"] :],
        }
        scaled = [
            LENGTHS[name] * part / np.linalg.norm(part, axis=1, keepdims=True) for name, part in parts.items()
        ]
        vectors = np.concatenate(scaled, axis=1)
        units: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return units

    def _draw_word(self, word: str) -> Floats:
        rng = np.random.default_rng([self.seed, 3, zlib.crc32(word.encode())])
        length = NOUN if word in _NOUN_SET else 1.0
        return length * rng.standard_normal(PARTS["stream"] + PARTS["lexical"], np.float32)


def _pixels(image: Image.Image | None) -> Ints:
    """(GRID, GRID, 3) colours."""
    assert image is not None, "every made listing has a picture"
    return np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX), np.int64)
