"""Type aliases of numpy arrays: the name says what an array holds, the docstring that uses it its shape. And
what numpy does too slowly."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Integer = TypeVar("Integer", np.int64, np.int8)

Floats = npt.NDArray[np.float32]
"""Numbers as models and indexes compute them, such as scores."""

Vectors = npt.NDArray[np.float32]
"""(N, D), a row for each vector."""

Doubles = npt.NDArray[np.float64]
"""Numbers that are summed or fitted, such as probabilities, weights and seconds."""

_CONVERTED = 2**16
"""Numbers that are converted at once, which stay in a processor's cache."""
_EXPONENT = np.float32(2.0**112)

Rows = npt.NDArray[np.int64]
"""Row numbers; -1 stands for none."""

Ints = npt.NDArray[np.int64]
"""Other integers, such as counts, labels, and keys that two row numbers are packed into."""

Mask = npt.NDArray[np.bool_]
"""True for the rows that are chosen."""

Hashes = npt.NDArray[np.uint64]
"""64-bit hashes of vectors or images."""


def as_float32(vectors: npt.NDArray[np.float16] | Floats) -> Floats:
    """Finite numbers of any shape as float32: as `astype`, which takes six times as long for float16."""
    if vectors.dtype == np.float32:
        return vectors  # type: ignore[return-value]
    wide = np.empty(vectors.shape, np.float32)
    rows = max(_CONVERTED // max(vectors[0].size, 1), 1) if len(vectors) else 1
    for start in range(0, len(vectors), rows):
        bits = vectors[start : start + rows].view(np.int16).astype(np.int32)
        # Sign and exponent stand three bits further right in float32, whose exponent is 112 ahead.
        bits <<= 13
        bits &= ~0x70000000
        np.multiply(bits.view(np.float32), _EXPONENT, out=wide[start : start + rows])
    return wide


def unique(values: npt.NDArray[Integer]) -> npt.NDArray[Integer]:
    """The different values of (N,), ascending: as `np.unique`, which hashes and takes 20 times as long."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def unit_rows(vectors: Floats) -> Floats:
    """Each row divided by its length; zero where it is zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, 1e-12)
    return unit
