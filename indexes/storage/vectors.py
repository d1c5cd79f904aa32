"""The exact vectors of an index, in files that its versions share, and read as float32.

vectors.npy              (S, D) float16 or float32; alone, it holds the vectors of all rows in their order
vectors-2.npy, ...       vectors that later versions added
vector_places.npy        (N,) int32 or int64, where the vector of each row is in the files laid end to end
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Floats, Rows, Vectors, as_float32, unique
from itemsearch.indexes.errors import DamagedIndexError

VECTORS = "vectors.npy"
VECTOR_PLACES = "vector_places.npy"
VECTOR_FILES = "vectors*.npy"
BLOCK_NUMBERS = 2**18
"""Numbers that are converted at once: 1 MiB of float32, which a processor's cache holds."""

Halves = npt.NDArray[np.float16] | npt.NDArray[np.float32]
"""(S, D), vectors as a file has them."""


@dataclass(frozen=True)
class StoredVectors:
    """N vectors of D numbers, mapped from their files; indexing reads rows of them as float32.

    files: (S, D) of each file, all of one type. places: (N,) where each row's vector is in the files
    laid end to end; None where row n is at n.
    """

    files: tuple[Halves, ...]
    places: Rows | None = None

    @classmethod
    def open(cls, folder: Path) -> StoredVectors:
        """Maps the files in a version's folder.

        Raises:
            DamagedIndexError: a file is missing or cut short, or they do not fit together.
        """
        names = vector_files(folder)
        files = tuple(map_array(folder / name) for name in names or (VECTORS,))
        places = map_array(folder / VECTOR_PLACES) if (folder / VECTOR_PLACES).exists() else None
        if len({(each.dtype, each.shape[1:]) for each in files}) > 1 or (places is None and len(files) > 1):
            raise DamagedIndexError(f"{folder}: its vectors are not of one index; build the index again")
        return cls(files, places)

    def __len__(self) -> int:
        return len(self.files[0]) if self.places is None else len(self.places)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.files[0].shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers in the files."""
        return self.files[0].dtype

    @cached_property
    def starts(self) -> Rows:
        """(F,) the place of the first vector of each file."""
        return np.cumsum([0, *(len(each) for each in self.files[:-1])])

    @property
    def mapped(self) -> Vectors | None:
        """The one file of float32, read in place; None where vectors are gathered or converted."""
        is_one = len(self.files) == 1 and self.dtype == np.float32
        return self.files[0] if is_one else None  # type: ignore[return-value]

    def __getitem__(self, rows: Rows | slice | int) -> Floats:
        """(R, D) float32 of (R,) rows or of a slice, or (D,) of one row."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if self.places is None and step == 1:
                return as_float32(self.files[0][start:stop])
            rows = np.arange(start, stop, step)
        if not isinstance(rows, np.ndarray):
            vector: Floats = self[np.array([rows])][0]
            return vector
        return as_float32(self.gather(self.places_of(rows)))

    def places_of(self, rows: Rows) -> Rows:
        """The places of rows, in their shape; what stands for -1 is not defined."""
        return rows if self.places is None else self.places.take(rows, mode="wrap").astype(np.int64)

    def gather(self, places: Rows) -> Halves:
        """(P, D) the vectors at (P,) places, as the files have them."""
        if len(self.files) == 1:
            return self.files[0].take(places, axis=0)
        numbers = np.searchsorted(self.starts, places, "right") - 1
        gathered = np.empty((len(places), self.shape[1]), self.dtype)
        for number in unique(numbers):
            chosen = numbers == number
            gathered[chosen] = self.files[number].take(places[chosen] - self.starts[number], axis=0)
        return gathered

    def rounded(self, vectors: Vectors) -> Vectors:
        """Other vectors as the files would hold them."""
        return vectors if self.dtype == np.float32 else as_float32(vectors.astype(self.dtype))

    def in_memory(self) -> StoredVectors:
        """The same, converted once: for vectors that are all compared with every query."""
        return StoredVectors((self[:],))


AnyVectors = StoredVectors | Vectors
"""(N, D), whose rows are read alike."""


def create_vectors(
    folder: Path, rows: int, dim: int, dtype: str = "float32"
) -> np.memmap[Any, np.dtype[Any]]:
    """Creates `vectors.npy`, an (N, D) array mapped from its file, to be filled and flushed.

    The disk space is allocated at once: if the disk were full later, a write to the mapping would kill the
    process.

    Raises:
        OSError: the disk is full.
    """
    vectors = np.lib.format.open_memmap(folder / VECTORS, mode="w+", dtype=dtype, shape=(rows, dim))
    with (folder / VECTORS).open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return vectors


def vector_files(folder: Path) -> list[str]:
    """The names of the files of vectors in a version's folder, in order."""
    names = [path.name for path in folder.glob(VECTOR_FILES)]
    return sorted(names, key=file_number)


def file_number(name: str) -> int:
    """1 for `vectors.npy`, 2 for `vectors-2.npy`."""
    return int(name.removesuffix(".npy").partition("-")[2] or 1)


def map_array(path: Path) -> npt.NDArray[Any]:
    """Maps an array from its file, read-only.

    Raises:
        DamagedIndexError: the file is missing or cut short.
    """
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error
    # Still mapped, but not a numpy.memmap, from which selecting rows takes eight times as long.
    return np.asarray(mapped)
