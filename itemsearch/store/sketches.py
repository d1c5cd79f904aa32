"""Sketches pictures in a few bytes, so that the same picture is found again when it was saved anew."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from itemsearch.indexes.arrays import Hashes

SIDE, KEPT = 32, 8
"""The hash has a bit for each of the `KEPT` lowest frequencies each way, of `SIDE` grey pixels each way."""
DIGITS = 2
"""Coefficients are rounded to so many digits, so that blank pictures have equal hashes."""
GRID = 4
"""The colours are the means of so many cells each way."""
HASH_BYTES, COLOUR_BYTES = 8, GRID * GRID * 3
SKETCH_BYTES = HASH_BYTES + COLOUR_BYTES


@dataclass(frozen=True, slots=True)
class Sketches:
    """The sketches of M pictures. hashes: (M,) uint64, perceptual. colours: (M, COLOUR_BYTES) uint8."""

    hashes: Hashes
    colours: npt.NDArray[np.uint8]

    @classmethod
    def of_none(cls, count: int) -> Self:
        """Sketches of zeros, to be filled in."""
        return cls(np.zeros(count, np.uint64), np.zeros((count, COLOUR_BYTES), np.uint8))

    @classmethod
    def of_jpegs(cls, jpegs: Sequence[bytes]) -> Self:
        """Sketches thumbnails."""
        if not jpegs:
            return cls.of_none(0)
        small = [_small(jpeg) for jpeg in jpegs]
        return cls(
            perceptual_hashes(np.stack([grey for grey, _ in small])),
            np.stack([colours.ravel() for _, colours in small]),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Reads what `to_bytes` returned."""
        rows = np.frombuffer(data, np.uint8).reshape(-1, SKETCH_BYTES)
        hashes = rows[:, :HASH_BYTES].copy().view(">u8")[:, 0].astype(np.uint64)  # 8 bytes -> one number
        return cls(hashes, rows[:, HASH_BYTES:])

    def to_bytes(self) -> bytes:
        """`SKETCH_BYTES` for each, one after the other."""
        hashes = self.hashes.astype(">u8").view(np.uint8).reshape(-1, HASH_BYTES)
        return np.concatenate([hashes, self.colours], axis=1).tobytes()


def perceptual_hashes(pictures: npt.NDArray[np.float32]) -> Hashes:
    """(N,) the perceptual hashes of (N, SIDE, SIDE) grey pictures: a bit for each low frequency of the
    discrete cosine transform, set where the coefficient is above the median (Zauner 2010)."""
    transform = _cosine_transform()
    frequencies = transform @ pictures @ transform.T  # (N, SIDE, SIDE) -> (N, KEPT, KEPT)
    low = frequencies.reshape(len(pictures), KEPT * KEPT).round(DIGITS)
    bits = low > np.median(low, axis=1, keepdims=True)
    hashes: Hashes = np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)  # 8 bytes -> one number
    return hashes


def _cosine_transform() -> npt.NDArray[np.float32]:
    """(KEPT, SIDE) the lowest rows of the DCT-II, without its scale."""
    places = np.arange(SIDE) + 0.5
    angles = np.arange(KEPT)[:, None] * places * np.pi / SIDE
    return np.cos(angles).astype(np.float32)


def _small(jpeg: bytes) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """(SIDE, SIDE) a JPEG in grey, and (GRID, GRID, 3) its colours."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        colours = image.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX)
    return np.asarray(grey, np.float32), np.asarray(colours)
