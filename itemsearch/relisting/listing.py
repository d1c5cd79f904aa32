"""Relisting of a listing: edits of its title and of its picture, as another seller might make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.types import Listing

EDITS = (1, 3)
"""Minimum and maximum number of edits of the title, and of the picture."""


@dataclass(frozen=True, slots=True)
class Relisting:
    """An edited title and image, "" and None where the original has none, and the edits in their order."""

    title: str
    image: Image.Image | None
    word_edits: tuple[str, ...]
    picture_edits: tuple[str, ...]


def relist(listing: Listing, carried: Mapping[str, str | None], rng: np.random.Generator) -> Relisting:
    """Edits a listing's title and picture, each `EDITS` times.

    Args:
        carried: other columns of the catalog and their values in the listing's row.
    """
    attributes = {"category": listing.category, **{name: value or "" for name, value in carried.items()}}
    title, word_edits = reword(listing.title, attributes, rng, _draw_count(rng))
    if listing.image is None:
        return Relisting(title, None, word_edits, ())
    image, picture_edits = rephotograph(listing.image, rng, _draw_count(rng))
    return Relisting(title, image, word_edits, picture_edits)


def _draw_count(rng: np.random.Generator) -> int:
    return int(rng.integers(EDITS[0], EDITS[1] + 1))
