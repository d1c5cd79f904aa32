"""Prepares listings for the encoder and the store, on the threads that decode their pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from itemsearch.embed.inputs import Pixels, square_pixels
from itemsearch.store.schema import StoredPictures
from itemsearch.types import Listing


@dataclass(frozen=True, slots=True)
class PreparedListing:
    """A listing and what is made of its pictures, of which no more is kept.

    listing: without its pictures. pixels: (side, side, 3) uint8, for the encoder; None without a picture.
    stored: for the store, of this listing alone.
    """

    listing: Listing
    pixels: Pixels | None
    stored: StoredPictures

    @classmethod
    def of(cls, side: int, listing: Listing) -> Self:
        """
        Args:
            side: pixels a side of the encoder's pictures.
        """
        pixels = None if listing.image is None else square_pixels(listing.image, side)
        return cls(replace(listing, image=None, other_images=()), pixels, StoredPictures.of([listing]))
