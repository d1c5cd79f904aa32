"""Writes a plain FAISS index (`IndexFlatIP`) a batch at a time, so that it need not fit in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.durable import naming, sync
from itemsearch.indexes.errors import DamagedIndexError

_COUNT = slice(8, 16)
"""Where FAISS has the number of vectors (int64), after its name of the class and the dimension."""
_NUMBERS = 8
"""The last bytes of an empty index: the number of numbers (uint64), which follow one after another."""


class FlatFile:
    """A file that becomes an index of (rows, dim) float32 vectors; FAISS cannot read it before.

    The head is that of an empty index as FAISS writes it, with the numbers of vectors and of numbers filled
    in. `nearest_in_flat_file` reads the whole with FAISS.
    """

    def __init__(self, file: BinaryIO, path: Path, head: bytes, dim: int) -> None:
        self.file = file
        self.path = path
        self.head = head
        self.dim = dim

    @classmethod
    def open(cls, path: Path, rows: int, dim: int) -> FlatFile:
        """Opens a file that `open` has made before, or makes it.

        Raises:
            OSError: it cannot be written.
        """
        empty = bytearray(faiss.serialize_index(faiss.IndexFlatIP(dim)).tobytes())
        empty[_COUNT] = rows.to_bytes(8, "little")
        empty[-_NUMBERS:] = (rows * dim).to_bytes(8, "little")
        path.touch()
        return cls(path.open("r+b"), path, bytes(empty), dim)

    def keep(self, rows: int) -> int:
        """Keeps the first `rows` vectors, or as many of them as are there; returns how many.

        Raises:
            OSError: it cannot be written.
        """
        size = os.fstat(self.file.fileno()).st_size
        kept = min(rows, max(size - len(self.head), 0) // (4 * self.dim))
        with naming(self.path):
            self.file.write(self.head)
            self.file.truncate(len(self.head) + 4 * self.dim * kept)
            self.file.seek(0, os.SEEK_END)
        return kept

    def append(self, vectors: Vectors) -> None:
        """Appends (R, D) vectors, which are on the disk when this returns.

        Raises:
            OSError: the disk is full.
        """
        with naming(self.path):
            self.file.write(np.ascontiguousarray(vectors, np.float32).data)
            self.file.flush()
            os.fsync(self.file.fileno())

    def finish(self, path: Path) -> None:
        """Closes the file and renames it.

        Raises:
            OSError: it cannot be renamed.
        """
        self.close()
        self.path.rename(path)
        sync(path.parent)

    def close(self) -> None:
        self.file.close()


def nearest_in_flat_file(path: Path, queries: Vectors, k: int) -> Rows:
    """(Q, k) the nearest vectors of a plain FAISS index, which is mapped, not read, best first.

    Raises:
        DamagedIndexError: the file is cut short, or not an index.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DamagedIndexError(f"{path}: damaged ({reason}); export again") from error
    rows: Rows = index.search(queries, k)[1]
    return rows
