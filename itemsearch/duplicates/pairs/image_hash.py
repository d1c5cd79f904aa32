"""Computes a digest and a perceptual hash of each thumbnail, and finds pairs of near hashes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from itemsearch.indexes.arrays import Hashes, Rows

SIDE, KEPT = 32, 8
"""The hash has a bit for each of the `KEPT` lowest frequencies each way, of `SIDE` grey pixels each way."""
DIGITS = 2
"""Coefficients are rounded to so many digits, so that blank pictures have equal hashes."""
BATCH_PICTURES = 1024
ROTATIONS = (0, 16, 32, 48)


@dataclass(frozen=True, slots=True)
class ImageHashes:
    """The digests and perceptual hashes of N listings' thumbnails.

    has_image: (N,) bool. digests, hashes: (N,) uint64, 0 where there is no picture. Equal digests mean
    thumbnails that are equal byte for byte: two others share a digest of 64 bits once in 10^19. hashed:
    whether the hashes were computed.
    """

    has_image: npt.NDArray[np.bool_]
    digests: Hashes
    hashes: Hashes
    hashed: bool = True

    @classmethod
    def of_none(cls, count: int) -> Self:
        """The image hashes of `count` listings without pictures."""
        return cls(np.zeros(count, bool), np.zeros(count, np.uint64), np.zeros(count, np.uint64))

    def same(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """(P,) whether both listings have a picture, and their thumbnails are equal byte for byte."""
        same: npt.NDArray[np.bool_] = (self.digests[a] == self.digests[b]) & self.both(a, b)
        return same

    def distance(self, a: Rows, b: Rows) -> npt.NDArray[np.uint8]:
        """(P,) Hamming distances of the hashes, 0 to 64 bits; meaningless where `known` is False."""
        distance: npt.NDArray[np.uint8] = np.bitwise_count(self.hashes[a] ^ self.hashes[b])
        return distance

    def both(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """(P,) whether both listings have a picture."""
        both: npt.NDArray[np.bool_] = self.has_image[a] & self.has_image[b]
        return both

    def known(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """(P,) whether the distance is known."""
        return self.both(a, b) & self.hashed


def read_image_hashes(
    thumbnails: pa.ChunkedArray, hashed: bool = True, progress: Callable[[int], None] = lambda rows: None
) -> ImageHashes:
    """Hashes binary JPEGs, null where there is no picture; those that are equal byte for byte once.

    Args:
        hashed: False to compute digests alone, a hundredth of the work.
        progress: called with how many are done.
    """
    found = replace(ImageHashes.of_none(len(thumbnails)), hashed=hashed)
    found.has_image[:] = thumbnails.is_valid().to_numpy()
    for start in range(0, len(thumbnails), BATCH_PICTURES):
        batch = slice(start, start + BATCH_PICTURES)
        pictures = thumbnails.slice(start, BATCH_PICTURES).to_pylist()
        found.digests[batch] = [0 if picture is None else _digest(picture) for picture in pictures]
    if not hashed:
        return found
    different, inverse = np.unique(found.digests, return_inverse=True)
    hashes, unread = np.zeros(len(different), np.uint64), np.ones(len(different), bool)
    for start in range(0, len(thumbnails), BATCH_PICTURES):
        of_batch = inverse[start : start + BATCH_PICTURES]
        numbers, first = np.unique(of_batch, return_index=True)
        new = unread[numbers] & found.has_image[start + first]
        if new.any():
            jpegs = thumbnails.slice(start, BATCH_PICTURES).take(pa.array(first[new])).to_pylist()
            hashes[numbers[new]] = perceptual_hashes(np.stack([_grey(picture) for picture in jpegs]))
            unread[numbers[new]] = False
        progress(min(start + BATCH_PICTURES, len(thumbnails)))
    found.hashes[:] = np.where(found.has_image, hashes[inverse], 0)
    return found


def perceptual_hashes(pictures: npt.NDArray[np.float32]) -> Hashes:
    """(N,) the perceptual hashes of (N, SIDE, SIDE) grey pictures: a bit for each low frequency of the
    discrete cosine transform, set where the coefficient is above the median (Zauner 2010)."""
    transform = _cosine_transform()
    frequencies = transform @ pictures @ transform.T  # (N, SIDE, SIDE) -> (N, KEPT, KEPT)
    low = frequencies.reshape(len(pictures), KEPT * KEPT).round(DIGITS)
    bits = low > np.median(low, axis=1, keepdims=True)
    hashes: Hashes = np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)  # 8 bytes -> one number
    return hashes


def near_hash_pairs(
    image_hashes: ImageHashes, rows: Rows, rank: Rows, window: int, most: int
) -> tuple[Rows, Rows]:
    """Finds pairs of `rows` whose hashes are at most `most` bits apart, by sorted neighbourhoods.

    Hashes are sorted four times, each time beginning with another quarter of their bits, and each is compared
    with the `window` next ones (Manku et al. 2007). A picture that half of a catalog has, such as a
    placeholder, thus makes no more than 4 `window` pairs a listing. Listings of equal hashes are in order of
    `rank` (N,): the order of their titles puts likely duplicates side by side.

    Returns:
        (P,) and (P,) rows; a pair may occur more than once.
    """
    pictured = rows[image_hashes.has_image[rows]]
    near_pairs = [np.empty((2, 0), np.int64)]
    for rotation in ROTATIONS:
        hashes = image_hashes.hashes[pictured]
        turned = hashes << np.uint64(rotation) | hashes >> np.uint64(64 - rotation) if rotation else hashes
        order = pictured[np.lexsort((rank[pictured], turned))]
        for step in range(1, window + 1):
            pairs = np.stack([order[:-step], order[step:]])
            near_pairs.append(pairs[:, image_hashes.distance(*pairs) <= most])
    first, second = np.concatenate(near_pairs, axis=1)
    return first, second


def _cosine_transform() -> npt.NDArray[np.float32]:
    """(KEPT, SIDE) the lowest rows of the DCT-II, without its scale."""
    places = np.arange(SIDE) + 0.5
    angles = np.arange(KEPT)[:, None] * places * np.pi / SIDE
    return np.cos(angles).astype(np.float32)


def _digest(picture: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(picture, digest_size=8).digest())


def _grey(picture: bytes) -> npt.NDArray[np.float32]:
    """(SIDE, SIDE) a JPEG in grey."""
    with Image.open(io.BytesIO(picture), formats=("JPEG",)) as image:
        small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float32)
