"""Prepares listings for the encoder and the store, on the threads that decode their pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from itemsearch.catalog.read import IsWanted
from itemsearch.embed.inputs import Pixels, square_pixels
from itemsearch.store.kept_pictures import larger_picture
from itemsearch.store.schema import StoredPictures
from itemsearch.types import Listing


@dataclass(frozen=True, slots=True)
class PreparedListing:
    """A listing and what is made of its pictures, of which no more is kept.

    listing: without its pictures. pixels: (side, side, 3) uint8, for the encoder; None without a picture.
    stored: for the store, of this listing alone. kept: whether a larger picture is kept beside it; larger:
    its JPEG, None where the thumbnail is as large.
    """

    listing: Listing
    pixels: Pixels | None
    stored: StoredPictures
    kept: bool
    larger: bytes | None

    @classmethod
    def of(cls, side: int, wants: IsWanted, listing: Listing) -> Self:
        """
        Args:
            side: pixels a side of the encoder's pictures. wants: whether a larger picture is kept.
        """
        image, stored = listing.image, StoredPictures.of([listing])
        pixels = None if image is None or listing.known else square_pixels(image, side)
        kept = image is not None and wants(listing.content_hash, listing.image_name)
        larger = larger_picture(image) if image is not None and kept else None
        return cls(replace(listing, image=None, other_images=()), pixels, stored, kept, larger)
