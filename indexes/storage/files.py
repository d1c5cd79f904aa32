"""The files of an index in a version folder: vectors, their order among ties, FAISS's part, and a summary."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.building.choose import IndexSpec
from itemsearch.indexes.building.train import BuiltIndex, Training
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.storage.distinct import DistinctVectors, HashedVectors

VECTORS = "vectors.npy"
TIE_RANK = "tie_rank.npy"
ENTRY_ROWS = "entry_rows.npy"
ENTRY_OFFSETS = "entry_offsets.npy"
ENTRY_HASHES = "entry_hashes.npy"
HASHED_ENTRIES = "hashed_entries.npy"
FAISS_INDEX = "index.faiss"
SUMMARY = "index.json"
FAISS_VERSION: str = faiss.__version__


@dataclass(frozen=True, slots=True)
class FilesSummary:
    """What index.json tells: how the index was built, and what it takes in memory.

    training: None of an exact index.
    """

    spec: IndexSpec
    training: Training | None
    rows: int
    dim: int
    device: str
    seconds: Mapping[str, float]
    bytes_per_vector: float
    faiss_version: str


def create_vectors(folder: Path, rows: int, dim: int) -> np.memmap[Any, np.dtype[np.float32]]:
    """An (N, D) array in a file, to be filled batch by batch and flushed.

    Its place on the disk is taken at once: a disk that filled while a mapped file grows kills the process.

    Raises:
        OSError: the disk is full.
    """
    vectors = np.lib.format.open_memmap(folder / VECTORS, mode="w+", dtype=np.float32, shape=(rows, dim))
    with (folder / VECTORS).open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return vectors


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """`np.save` of a C-contiguous array, whose own error would tell neither a full disk nor the file.

    Raises:
        OSError: the disk is full.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def save_index(folder: Path, built: BuiltIndex, tie_rank: npt.NDArray[np.int64]) -> None:
    """Writes all but the vectors, which are there already. tie_rank (N,) orders rows of equal score.

    Raises:
        OSError: the disk is full.
    """
    rows, dim = np.load(folder / VECTORS, mmap_mode="r").shape
    distinct = DistinctVectors.from_representatives(built.checked.representative_of, tie_rank)
    save_array(folder / TIE_RANK, tie_rank)
    save_array(folder / ENTRY_ROWS, distinct.rows)
    save_array(folder / ENTRY_OFFSETS, distinct.offsets)
    taken = 4.0 * dim
    if built.index is not None:
        with (folder / FAISS_INDEX).open("wb") as file:  # our own file, for its OSError
            faiss.write_index(built.index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        taken = (folder / FAISS_INDEX).stat().st_size / rows
        hashed = HashedVectors.from_hashes(built.checked.hashes[built.checked.representatives])
        save_array(folder / ENTRY_HASHES, hashed.hashes)
        save_array(folder / HASHED_ENTRIES, hashed.entries)
    summary = FilesSummary(
        spec=built.spec,
        training=built.training,
        rows=rows,
        dim=dim,
        device=built.device,
        seconds=built.seconds,
        bytes_per_vector=taken,
        faiss_version=FAISS_VERSION,
    )
    (folder / SUMMARY).write_text(json.dumps(asdict(summary), indent=1), "utf-8")


def read_files_summary(folder: Path) -> FilesSummary:
    """
    Raises:
        DamagedIndexError: there is no summary, or it is not whole.
    """
    try:
        held = json.loads((folder / SUMMARY).read_text("utf-8"))
        held["spec"] = IndexSpec(**held["spec"])
        held["training"] = held["training"] and Training(**held["training"])
        return FilesSummary(**held)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndexError(f"{folder / SUMMARY}: damaged ({error}); build the index again") from error


def map_array(path: Path) -> npt.NDArray[Any]:
    """An array as it lies in its file.

    Raises:
        DamagedIndexError: the file is missing or cut short.
    """
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error
    # Still mapped, but no numpy.memmap, which takes eight times as long to pick rows from.
    return np.asarray(mapped)


def read_distinct(folder: Path) -> DistinctVectors:
    """Which rows hold the same vector, mapped from its files.

    Raises:
        DamagedIndexError: a file is missing or cut short.
    """
    return DistinctVectors(map_array(folder / ENTRY_ROWS), map_array(folder / ENTRY_OFFSETS))


def read_hashed(folder: Path) -> HashedVectors:
    """How to find the very same vector, mapped from its files; an exact index has none.

    Raises:
        DamagedIndexError: a file is missing or cut short.
    """
    return HashedVectors(map_array(folder / ENTRY_HASHES), map_array(folder / HASHED_ENTRIES))


def read_emptied(path: Path) -> Any:
    """FAISS's index without its vectors: what it learnt, ready for others.

    Raises:
        DamagedIndexError: the file is missing, cut short, or no index.
    """
    index = _read_faiss(path, 0)
    index.reset()
    return index


def read_faiss(path: Path) -> Any:
    """FAISS's index, its lists mapped rather than read.

    Raises:
        DamagedIndexError: the file is missing, cut short, or no index.
    """
    index = _read_faiss(path, faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    # Mapped lists are touched ahead by up to 32 threads, started anew for every search: 4 ms for a query
    # that takes 0.05 ms.
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0
    return index


def _read_faiss(path: Path, flags: int) -> Any:
    try:
        return faiss.read_index(str(path), flags)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DamagedIndexError(f"{path}: damaged ({reason}); build the index again") from error
