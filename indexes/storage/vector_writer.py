"""Writes the exact vectors of a version; those that an earlier version has stay in its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.storage.files import save_array
from itemsearch.indexes.storage.sharing import files_to_keep
from itemsearch.indexes.storage.vectors import (
    VECTOR_PLACES,
    VECTORS,
    Halves,
    StoredVectors,
    file_number,
    map_array,
    vector_files,
)

BLOCK_ROWS = 8192
_ADDED = "added.npy"
_NONE = Path()


class VectorWriter:
    """A context that writes N vectors of `dim` numbers into `folder`, in order of rows.

    earlier: the vectors of a version in `earlier_folder`, some of which are the same; None to write all.
    """

    def __init__(
        self,
        folder: Path,
        dim: int,
        dtype: str,
        earlier: StoredVectors | None = None,
        earlier_folder: Path = _NONE,
    ) -> None:
        self.folder = folder
        self.dim = dim
        self.dtype = np.dtype(dtype)
        self.earlier = earlier if earlier is not None and earlier.dtype == self.dtype else None
        self.names = vector_files(earlier_folder) if self.earlier is not None else []
        self.sizes = np.array([len(each) for each in self.earlier.files] if self.earlier else [], np.int64)
        self._places: list[Rows] = []
        self._added = _ArrayFile(folder / _ADDED, dim, self.dtype)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._added.file.close()

    def add(self, vectors: Vectors, earlier_rows: Rows) -> None:
        """Adds (R, D) vectors.

        Args:
            earlier_rows: (R,) the rows of the earlier version that may have them; -1 for none.

        Raises:
            OSError: the disk is full.
        """
        stored = vectors.astype(self.dtype, copy=False)
        places = np.full(len(stored), -1, np.int64)
        if self.earlier is not None:
            known = np.flatnonzero(earlier_rows >= 0)
            before = self.earlier.places_of(earlier_rows[known])
            same = (_bytes(self.earlier.gather(before)) == _bytes(stored[known])).all(axis=1)
            places[known[same]] = before[same]
        new = np.flatnonzero(places < 0)
        places[new] = self.sizes.sum() + self._added.rows + np.arange(len(new))
        self._added.append(stored[new])
        self._places.append(places)

    def finish(self) -> list[str]:
        """Writes the rest; returns the names of the earlier version's files that this version needs too.

        Raises:
            OSError: the disk is full.
        """
        places = np.concatenate(self._places)
        starts = np.append(0, np.cumsum(self.sizes))
        in_use = np.unique(places[places < starts[-1]])
        numbers = np.searchsorted(starts, in_use, "right") - 1
        kept = files_to_keep(np.bincount(numbers, minlength=len(self.sizes)), self.sizes)
        if not len(kept):
            self._write_in_order(places)
            return []
        moved = in_use[~np.isin(numbers, kept)]
        assert self.earlier is not None
        for block in _blocks(len(moved)):
            self._added.append(self.earlier.gather(moved[block]))
        self._added.close()
        shift = np.zeros(len(starts), np.int64)
        shift[kept] = np.cumsum(np.append(0, self.sizes[kept]))[:-1] - starts[kept]
        base = self.sizes[kept].sum()
        shift[-1] = base - starts[-1]
        added = self._added.rows - len(moved)
        numbers = np.searchsorted(starts, places, "right") - 1
        is_moved = ~np.isin(numbers, np.append(kept, len(self.sizes)))
        new_places = places + shift[numbers]
        new_places[is_moved] = base + added + np.searchsorted(moved, places[is_moved])
        names = [self.names[place] for place in kept]
        if self._added.rows:
            number = max(map(file_number, names)) + 1
            (self.folder / _ADDED).rename(self.folder / f"vectors-{number}.npy")
        else:
            (self.folder / _ADDED).unlink()
        if len(names) + bool(self._added.rows) > 1 or not np.array_equal(new_places, np.arange(base)):
            kind = np.int32 if new_places.max() < 2**31 else np.int64
            save_array(self.folder / VECTOR_PLACES, new_places.astype(kind))
        return names

    def _write_in_order(self, places: Rows) -> None:
        """Writes all vectors into one file, in order of rows."""
        self._added.close()
        if self.earlier is None or self._added.rows == len(places):
            (self.folder / _ADDED).rename(self.folder / VECTORS)
            return
        together = StoredVectors((*self.earlier.files, map_array(self.folder / _ADDED)))
        ordered = _ArrayFile(self.folder / VECTORS, self.dim, self.dtype)
        for block in _blocks(len(places)):
            ordered.append(together.gather(places[block]))
        ordered.close()
        (self.folder / _ADDED).unlink()


class _ArrayFile:
    """An (N, D) array in a file of numpy's format, written a few rows at a time."""

    def __init__(self, path: Path, dim: int, dtype: np.dtype[Any]) -> None:
        self.dim = dim
        self.dtype = dtype
        self.rows = 0
        self.file = path.open("wb")  # closed by `close`, or by the writer where it fails
        self._write_header()

    def append(self, vectors: Halves) -> None:
        self.file.write(np.ascontiguousarray(vectors).data)
        self.rows += len(vectors)

    def close(self) -> None:
        self.file.seek(0)
        self._write_header()  # numpy leaves room in it for any number of rows
        self.file.close()

    def _write_header(self) -> None:
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.rows, self.dim)}
        np.lib.format.write_array_header_1_0(self.file, header)


def _bytes(vectors: Halves) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The bits of vectors: 0.0 and -0.0 differ."""
    return vectors.view(f"u{vectors.dtype.itemsize}")


def _blocks(count: int) -> Iterable[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, count, BLOCK_ROWS))
