"""Finds larger pictures of listings than the thumbnails of their index, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from threading import Semaphore
from typing import Any, Self

import numpy as np
import pyarrow as pa
from PIL import Image

from itemsearch.catalog.images import MAX_SIDE, decode_image, locate_image, read_image_file
from itemsearch.errors import FetchError, ImageError, ReviewError, StoreError
from itemsearch.fetched import STATE, FetchedPictures, is_web_address
from itemsearch.review.picture_addresses import PictureAddresses
from itemsearch.search.folder import IndexSummary
from itemsearch.store.kept_pictures import KEPT, KEPT_SIDE, KeptPictures
from itemsearch.store.manifest import MANIFEST, StoreManifest, read_manifest
from itemsearch.store.schema import thumbnail

SIDES = (KEPT_SIDE, 1600)
"""The most pixels a side of a picture on a card, and of one that a person zooms into."""
ANOTHER = 24
"""The mean difference of grey levels, of 255, from which a file shows another picture than the thumbnail: a
guess, far above what scaling and JPEG change, which is below 5."""
DECODERS = 2
"""How many pictures are decoded at a time: a large one takes 200 MB."""


@dataclass(frozen=True, slots=True)
class PicturePlaces:
    """Where larger pictures are. roots: folders that the names of pictures start from. fetched: of those that
    are web addresses. kept: those that a store keeps."""

    roots: tuple[Path, ...] = ()
    fetched: FetchedPictures | None = None
    kept: KeptPictures | None = None

    @classmethod
    def of_store(cls, store: Path, manifest: StoreManifest) -> Self:
        """What a store knows of its catalog's pictures, as far as it is still there."""
        roots = [store / root for root in manifest.pictures.roots]
        fetched = store / manifest.pictures.fetched if manifest.pictures.fetched else None
        return cls(
            tuple(root for root in roots if root.is_dir()),
            FetchedPictures.open(fetched) if fetched and (fetched / STATE).is_file() else None,
            KeptPictures(store / KEPT) if (store / KEPT).is_file() else None,
        )

    @classmethod
    def of_index(cls, summary: IndexSummary) -> Self:
        """What the store of an index knows; nothing where there is no longer a store."""
        store = Path(summary.store)
        if not (store / MANIFEST).is_file():
            return cls()
        try:
            return cls.of_store(store, read_manifest(store))
        except StoreError:
            return cls()

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Of a folder that a person names: of pictures, of fetched pictures, or a store.

        Raises:
            ReviewError: there is no such folder.
            StoreError, FetchError: it is damaged.
        """
        if not folder.is_dir():
            raise ReviewError(
                f"--images {folder}: no such folder; name one of pictures or of `itemsearch fetch`, a store, "
                "the word addresses, or a web address with {image} or {id} in it"
            )
        if (folder / MANIFEST).is_file():
            return cls.of_store(folder, read_manifest(folder))
        if (folder / STATE).is_file():
            return cls(fetched=FetchedPictures.open(folder))
        return cls(roots=(folder,))


class LargePictures:
    """The larger pictures of an index's listings; safe to use from many threads. addresses: of pictures that
    browsers load from elsewhere instead, None for none. where: as in `open`."""

    def __init__(
        self,
        listings: pa.Table,
        places: PicturePlaces,
        addresses: PictureAddresses | None = None,
        where: str = "",
    ) -> None:
        self.listings = listings
        self.places = places
        self.addresses = addresses
        self.where = where
        self._decoding = Semaphore(DECODERS)

    @classmethod
    def open(cls, listings: pa.Table, summary: IndexSummary, where: str = "") -> Self:
        """
        Args:
            where: as `--images` of `itemsearch review`; "" for what the index's store knows.

        Raises:
            ReviewError: there is no such folder, or an address has no place for a listing.
            StoreError, FetchError: what it names is damaged.
        """
        if not where:
            return cls(listings, PicturePlaces.of_index(summary))
        if where == "addresses" or is_web_address(where):
            return cls(listings, PicturePlaces(), PictureAddresses.of(listings, where), where)
        return cls(listings, PicturePlaces.of_folder(Path(where)), where=where)

    @property
    def origins(self) -> tuple[str, ...]:
        """Of the addresses that browsers load from elsewhere."""
        return self.addresses.origins if self.addresses else ()

    @property
    def is_anywhere(self) -> bool:
        """Whether a place is known that may have larger pictures."""
        return bool(self.addresses or self.places != PicturePlaces())

    def has(self, row: int) -> bool:
        """Whether there may be a larger picture of a row; whether it can be read is known when it is."""
        if self._cell("thumbnail", row) is None:
            return False
        if self.addresses is not None:
            return bool(self.addresses.of_row(row))
        name = self._cell("image_name", row)
        if not name:
            return self.places.kept is not None
        there = self.places.fetched if is_web_address(name) else self.places.roots
        return bool(there or self.places.kept)

    def find(self, row: int, side: int) -> bytes | None:
        """The JPEG of a row's picture, of at most `side` pixels a side; None where none can be read.

        A file that shows another picture than the row's thumbnail is not the row's.
        """
        jpeg = self._cell("thumbnail", row)
        if jpeg is None:
            return None
        with self._decoding:
            for data in self._encoded(row):
                try:
                    image = decode_image(data, max(side, MAX_SIDE))
                except ImageError:
                    continue
                if _shows_the_same(jpeg, image):
                    return thumbnail(image, side)
        return None

    def _encoded(self, row: int) -> Iterator[bytes]:
        """The files that may be a row's picture, the largest kind first."""
        name = self._cell("image_name", row)
        for path in self._paths(name) if name else ():
            try:
                yield read_image_file(path)
            except ImageError:
                continue
        kept = self.places.kept and self.places.kept.find(self._cell("content_hash", row) or "")
        if kept:
            yield kept

    def _paths(self, name: str) -> Iterator[str | Path]:
        if is_web_address(name):
            if self.places.fetched is not None:
                try:
                    yield self.places.fetched.path_of(name)
                except (ImageError, FetchError):
                    return
            return
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for root in self.places.roots:
            # A folder that was moved may begin anywhere on the path from the old one.
            for start in range(len(parts)):
                try:
                    yield locate_image(str(root), name if not start else "/".join(parts[start:]))
                except ImageError:
                    continue

    def _cell(self, column: str, row: int) -> Any:
        if column not in self.listings.column_names or not 0 <= row < self.listings.num_rows:
            return None
        return self.listings[column][row].as_py()


def _shows_the_same(jpeg: bytes, image: Image.Image) -> bool:
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as small:
        grey = [
            np.asarray(each.convert("L").resize((16, 16), Image.Resampling.BOX), np.float32)
            for each in (small, image)
        ]
    return float(np.abs(grey[0] - grey[1]).mean()) < ANOTHER
