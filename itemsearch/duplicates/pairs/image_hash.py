"""Finds listings that show one picture: their thumbnails' digests, and sketches of all their pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.columns import take_bytes
from itemsearch.indexes.arrays import Hashes, Mask, Rows
from itemsearch.store.sketches import SKETCH_BYTES, Sketches

BATCH_PICTURES = 1024
ROTATIONS = (0, 16, 32, 48)
SAME_HASH, SAME_COLOURS = 4, 12
"""Two pictures are the same if their hashes differ in at most so many bits and their colours, of 255, by so
much in the mean: guesses. The hashes of a photo and of its smaller JPEG differ by 0 to 2, its colours by less
than 1; photos of two products in one pose are 6 bits and more apart, and of one product in two colours differ
in these."""


@dataclass(frozen=True, slots=True)
class ImageHashes:
    """The digests and sketches of N listings' pictures.

    has_image: (N,) bool. digests: (N,) uint64, of the thumbnails, 0 where there is no picture. Equal digests
    mean thumbnails that are equal byte for byte: two others share a digest of 64 bits once in 10^19. firsts:
    N sketches, of the pictures that were embedded. others: M sketches of further pictures; listing n has
    those from offsets[n] to offsets[n + 1]. offsets: (N + 1,) int64. hashed: whether the sketches were
    made.
    """

    has_image: npt.NDArray[np.bool_]
    digests: Hashes
    firsts: Sketches
    others: Sketches
    offsets: Rows
    hashed: bool = True

    @classmethod
    def of_none(cls, count: int) -> Self:
        """The image hashes of `count` listings without pictures."""
        no_digests = np.zeros(count, np.uint64)
        offsets = np.zeros(count + 1, np.int64)
        return cls(np.zeros(count, bool), no_digests, Sketches.of_none(count), Sketches.of_none(0), offsets)

    @property
    def hashes(self) -> Hashes:
        """(N,) uint64, of the pictures that were embedded, 0 where there is none."""
        return self.firsts.hashes

    def same(self, a: Rows, b: Rows) -> Mask:
        """(P,) whether both listings have a picture, and their thumbnails are equal byte for byte."""
        same: Mask = (self.digests[a] == self.digests[b]) & self.both(a, b)
        return same

    def distance(self, a: Rows, b: Rows) -> npt.NDArray[np.uint8]:
        """(P,) Hamming distances of the hashes of the first pictures, 0 to 64 bits; meaningless where `known`
        is False."""
        distance: npt.NDArray[np.uint8] = np.bitwise_count(self.firsts.hashes[a] ^ self.firsts.hashes[b])
        return distance

    def both(self, a: Rows, b: Rows) -> Mask:
        """(P,) whether both listings have a picture."""
        both: Mask = self.has_image[a] & self.has_image[b]
        return both

    def known(self, a: Rows, b: Rows) -> Mask:
        """(P,) whether the distance is known."""
        return self.both(a, b) & self.hashed

    def share_another(self, a: Rows, b: Rows) -> Mask:
        """(P,) whether a further picture of one listing is the same as any picture of the other."""
        shared = np.zeros(len(a), bool)
        counts = np.diff(self.offsets)
        several = np.flatnonzero(self.both(a, b) & ((counts[a] > 0) | (counts[b] > 0)))
        a, b = a[several], b[several]
        for one in range(int(counts[a].max(initial=-1)) + 2):
            for other in range(int(counts[b].max(initial=-1)) + 2):
                if one == other == 0:
                    continue
                there = np.flatnonzero((one <= counts[a]) & (other <= counts[b]))
                first, second = self._sketches(a[there], one), self._sketches(b[there], other)
                shared[several[there]] |= _are_same(first, second)
        return shared

    def _sketches(self, rows: Rows, number: int) -> Sketches:
        """The sketches of each row's picture of a number: 0 for the first, 1 for the next."""
        if number == 0:
            return Sketches(self.firsts.hashes[rows], self.firsts.colours[rows])
        places = self.offsets[rows] + number - 1
        return Sketches(self.others.hashes[places], self.others.colours[places])


def read_image_hashes(
    thumbnails: pa.ChunkedArray,
    hashed: bool = True,
    progress: Callable[[int], None] = lambda rows: None,
    others: pa.ChunkedArray | None = None,
) -> ImageHashes:
    """Sketches binary JPEGs, null where there is no picture; those that are equal byte for byte once.

    Args:
        hashed: False to compute digests alone, a hundredth of the work.
        progress: called with how many are done.
        others: the sketches of further pictures, `Sketches.to_bytes`, null for none; None for none at all.
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
    sketches, unread = Sketches.of_none(len(different)), np.ones(len(different), bool)
    for start in range(0, len(thumbnails), BATCH_PICTURES):
        of_batch = inverse[start : start + BATCH_PICTURES]
        numbers, first = np.unique(of_batch, return_index=True)
        new = unread[numbers] & found.has_image[start + first]
        if new.any():
            jpegs = take_bytes(thumbnails, start + first[new]).to_pylist()
            read = Sketches.of_jpegs(jpegs)
            sketches.hashes[numbers[new]], sketches.colours[numbers[new]] = read.hashes, read.colours
            unread[numbers[new]] = False
        progress(min(start + BATCH_PICTURES, len(thumbnails)))
    found.firsts.hashes[:] = np.where(found.has_image, sketches.hashes[inverse], 0)
    found.firsts.colours[:] = sketches.colours[inverse]
    return found if others is None or others.null_count == len(others) else _with_further(found, others)


def _with_further(found: ImageHashes, others: pa.ChunkedArray) -> ImageHashes:
    cells = [cell or b"" for cell in others.to_pylist()]
    counts = np.array([len(cell) for cell in cells], np.int64) // SKETCH_BYTES
    further = Sketches.from_bytes(b"".join(cells))
    return replace(found, others=further, offsets=np.append(0, np.cumsum(counts)))


def near_hash_pairs(
    image_hashes: ImageHashes, rows: Rows, rank: Rows, window: int, most: int
) -> tuple[Rows, Rows]:
    """Finds pairs of `rows` two of whose pictures have hashes at most `most` bits apart, by sorted
    neighbourhoods.

    Hashes are sorted four times, each time beginning with another quarter of their bits, and each is compared
    with the `window` next ones (Manku et al. 2007). A picture that half of a catalog has, such as a
    placeholder, thus makes no more than 4 `window` pairs a picture. Listings of equal hashes are in order of
    `rank` (N,): the order of their titles puts likely duplicates side by side.

    Returns:
        (P,) and (P,) rows; a pair may occur more than once.
    """
    pictured = rows[image_hashes.has_image[rows]]
    owners, hashes = _with_others(image_hashes, pictured)
    near_pairs = [np.empty((2, 0), np.int64)]
    for rotation in ROTATIONS:
        turned = hashes << np.uint64(rotation) | hashes >> np.uint64(64 - rotation) if rotation else hashes
        order = np.lexsort((rank[owners], turned))
        for step in range(1, window + 1):
            one, other = order[:-step], order[step:]
            near = np.bitwise_count(hashes[one] ^ hashes[other]) <= most
            near &= owners[one] != owners[other]
            near_pairs.append(np.stack([owners[one[near]], owners[other[near]]]))
    first, second = np.concatenate(near_pairs, axis=1)
    return first, second


def _with_others(image_hashes: ImageHashes, rows: Rows) -> tuple[Rows, Hashes]:
    """The hashes of all pictures of `rows`, and the row of each."""
    counts = np.diff(image_hashes.offsets)[rows]
    places = np.repeat(image_hashes.offsets[rows] - (np.cumsum(counts) - counts), counts)
    others = image_hashes.others.hashes[places + np.arange(len(places))]
    owners = np.concatenate([rows, np.repeat(rows, counts)])
    return owners, np.concatenate([image_hashes.firsts.hashes[rows], others])


def _are_same(first: Sketches, second: Sketches) -> Mask:
    """(P,) whether two pictures are the same, but for how they were saved."""
    near: Mask = np.bitwise_count(first.hashes ^ second.hashes) <= SAME_HASH
    differences = np.abs(first.colours[near].astype(np.int16) - second.colours[near])
    near[near] = differences.mean(axis=1) <= SAME_COLOURS if len(differences) else False
    return near


def _digest(picture: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(picture, digest_size=8).digest())
