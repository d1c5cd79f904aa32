"""Keeps the pictures of a version's listings in files that versions share.

    pictures-1.bin, ...     the bytes of cells, one after the other
    pictures.arrow          the columns; a cell is its length, first bytes, number of the file and place in it

The 16 bytes of a cell are those of Arrow's views ("Variable-size Binary View Layout" in Arrow's columnar
format), so that the columns are read from the mapped files as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.storage.sharing import files_to_keep

PICTURES = "pictures.arrow"
PICTURE_COLUMNS = ("thumbnail", "other_pictures")
_FILE = "pictures-{}.bin"
_FILES = "pictures-*.bin"
FILE_BYTES = 2**30
"""The size from which another file is begun: a place in one has 31 bits."""
_INLINE = 12
"""The most bytes that stand in a view themselves."""
LENGTH, PREFIX, FILE, PLACE = range(4)

Views = npt.NDArray[np.int32]
"""(N, 4): length, -1 for null, and what the others name; 12 bytes or fewer stand in it themselves."""


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """The picture columns of a version. columns: N cells of 16 bytes each. files: by their numbers."""

    columns: Mapping[str, pa.Array]
    files: Mapping[int, pa.Buffer]

    @classmethod
    def open(cls, folder: Path) -> StoredPictures:
        """Maps the files in a version's folder; there may be none.

        Raises:
            pa.ArrowException, OSError: they are damaged.
        """
        files = {
            int(path.stem.partition("-")[2]): pa.memory_map(str(path)).read_buffer()
            for path in map(folder.joinpath, picture_files(folder))
        }
        if not (folder / PICTURES).exists():
            return cls({}, files)
        batch = pa.ipc.open_file(pa.memory_map(str(folder / PICTURES))).get_batch(0)
        return cls(dict(zip(batch.schema.names, batch.columns, strict=True)), files)

    def read(self, name: str) -> pa.Array:
        """A column as Arrow's views of bytes; only the cells that are used are read from the disk."""
        valid, views = self.columns[name].buffers()
        files = [
            self.files.get(number, pa.py_buffer(b"")) for number in range(max(self.files, default=-1) + 1)
        ]
        return pa.Array.from_buffers(pa.binary_view(), len(self.columns[name]), [valid, views, *files])

    def views(self, name: str) -> Views:
        """A copy of a column's views."""
        column = self.columns[name]
        views = np.frombuffer(column.buffers()[1], np.int32).reshape(-1, 4).copy()
        views[column.is_null().to_numpy(zero_copy_only=False), LENGTH] = -1
        return views

    def cell(self, view: Views) -> memoryview | None:
        """The bytes of a view, (4,); None for null."""
        length = int(view[LENGTH])
        if length < 0:
            return None
        if length <= _INLINE:
            return memoryview(view.tobytes()[4 : 4 + length])
        place = int(view[PLACE])
        return memoryview(self.files[int(view[FILE])])[place : place + length]


def picture_files(folder: Path) -> list[str]:
    """The names of the files of cells in a version's folder."""
    return sorted(path.name for path in folder.glob(_FILES))


class PictureWriter:
    """A context that writes picture columns into `folder`, in order of rows; cells that `earlier` has stay in
    its files."""

    def __init__(self, folder: Path, columns: Sequence[str], earlier: StoredPictures | None) -> None:
        self.folder = folder
        self.earlier = earlier or StoredPictures({}, {})
        self._before = {name: self.earlier.views(name) for name in columns if name in self.earlier.columns}
        self._views: dict[str, list[Views]] = {name: [] for name in columns}
        self._sink = _Files(folder, set(self.earlier.files))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._sink.close()

    def add(self, name: str, cells: pa.Array, earlier_rows: Rows) -> None:
        """Adds (R,) binary cells of a column.

        Args:
            earlier_rows: (R,) the rows of the earlier version that may have them; -1 for none.

        Raises:
            OSError: the disk is full.
        """
        before = self._before.get(name)
        views = np.zeros((len(cells), 4), np.int32)
        for place, (cell, row) in enumerate(zip(cells, earlier_rows.tolist(), strict=True)):
            buffer = cell.as_buffer()
            content = None if buffer is None else memoryview(buffer)
            if before is not None and row >= 0 and self.earlier.cell(before[row]) == content:
                views[place] = before[row]
            else:
                views[place] = self._sink.view(content)
        self._views[name].append(views)

    def finish(self) -> list[str]:
        """Writes the rest; returns the names of the earlier version's files that this version needs too.

        Raises:
            OSError: the disk is full.
        """
        views = {
            name: np.concatenate([np.zeros((0, 4), np.int32), *parts]) for name, parts in self._views.items()
        }
        numbers = np.array(sorted(self.earlier.files), np.int64)
        kept = numbers[files_to_keep(self._used(views, numbers), self._sizes(numbers))]
        for column in views.values():
            in_earlier = np.isin(column[:, FILE], np.setdiff1d(numbers, kept)) & (column[:, LENGTH] > _INLINE)
            for row in np.flatnonzero(in_earlier):
                column[row] = self._sink.view(self.earlier.cell(column[row]))
        self._sink.close()
        filled = {
            name: _as_column(column)
            for name, column in views.items()
            if column[:, LENGTH].max(initial=-1) >= 0
        }
        if filled:
            batch = pa.record_batch(filled)
            with (
                pa.OSFile(str(self.folder / PICTURES), "wb") as sink,
                pa.ipc.new_file(sink, batch.schema) as file,
            ):
                file.write_batch(batch)
        return [_FILE.format(number) for number in kept]

    def _sizes(self, numbers: Rows) -> Rows:
        return np.array([self.earlier.files[number].size for number in numbers.tolist()], np.int64)

    def _used(self, views: Mapping[str, Views], numbers: Rows) -> Rows:
        """(F,) the bytes of each of the earlier files that are in use; a cell of two rows counts once."""
        used = np.zeros(len(numbers), np.int64)
        for column in views.values():
            apart = column[(column[:, LENGTH] > _INLINE) & np.isin(column[:, FILE], numbers)]
            _, first = np.unique(apart[:, FILE].astype(np.int64) << 32 | apart[:, PLACE], return_index=True)
            places = np.searchsorted(numbers, apart[first, FILE])
            used += np.bincount(places, apart[first, LENGTH], len(numbers)).astype(np.int64)
        return used


def _as_column(views: Views) -> pa.Array:
    """Views as cells of 16 bytes, null where their length is -1, which is then 0."""
    valid = np.packbits(views[:, LENGTH] >= 0, bitorder="little")
    bounded = np.ascontiguousarray(views)
    bounded[:, LENGTH] = np.maximum(views[:, LENGTH], 0)
    return pa.Array.from_buffers(pa.binary(16), len(views), [pa.py_buffer(valid), pa.py_buffer(bounded)])


class _Files:
    """Appends cells to new files, whose numbers none of the `taken` has."""

    def __init__(self, folder: Path, taken: set[int]) -> None:
        self.folder = folder
        self.taken = taken
        self.number = 0
        self.size = FILE_BYTES
        self._file: pa.NativeFile | None = None

    def view(self, content: memoryview | None) -> Views:
        """Writes a cell, unless it is short; returns its view, (4,)."""
        view = np.zeros(4, np.int32)
        view[LENGTH] = -1 if content is None else len(content)
        if content is None:
            return view
        start = bytes(content[:_INLINE] if len(content) <= _INLINE else content[:4])
        view.view(np.uint8)[4 : 4 + len(start)] = np.frombuffer(start, np.uint8)
        if len(content) > _INLINE:
            if self.size + len(content) > FILE_BYTES:
                self._begin()
            assert self._file is not None
            view[FILE], view[PLACE] = self.number, self.size
            self._file.write(content)
            self.size += len(content)
        return view

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        self.close()
        # The lowest number, as every column holds a buffer for each up to the highest.
        self.number = next(number for number in range(len(self.taken) + 1) if number not in self.taken)
        self.taken = self.taken | {self.number}
        self.size = 0
        self._file = pa.OSFile(str(self.folder / _FILE.format(self.number)), "wb")
