"""A product listed again: another seller's words, an edited picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.types import Listing

EDITS = (1, 3)
"""Least and most edits at once, of the words and of the picture each."""


@dataclass(frozen=True, slots=True)
class Relisted:
    """title is "" and image None where the product has none; the edits are named in the order made."""

    title: str
    image: Image.Image | None
    word_edits: tuple[str, ...]
    picture_edits: tuple[str, ...]


def relist(product: Listing, carried: Mapping[str, str | None], rng: np.random.Generator) -> Relisted:
    """`EDITS` edits of each modality; `carried` holds what else the catalog says of the product."""
    attributes = {"category": product.category, **{name: value or "" for name, value in carried.items()}}
    title, word_edits = reword(product.title, attributes, rng, _edits(rng))
    if product.image is None:
        return Relisted(title, None, word_edits, ())
    image, picture_edits = rephotograph(product.image, rng, _edits(rng))
    return Relisted(title, image, word_edits, picture_edits)


def _edits(rng: np.random.Generator) -> int:
    return int(rng.integers(EDITS[0], EDITS[1] + 1))
