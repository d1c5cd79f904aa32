"""Writes and reads the files of an index: vectors, tie rank, entries, the FAISS index, and a summary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.storage.distinct import DistinctVectors, HashedVectors
from itemsearch.indexes.storage.vectors import StoredVectors, map_array
from itemsearch.indexes.types import BuiltIndex, IndexSpec, IndexTraining

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
    """The content of index.json: how the index was built, and its size.

    training: None for an exact index. device: "cpu" or "cuda". seconds: by stage of the build. dtype: of
    the vectors.
    """

    spec: IndexSpec
    training: IndexTraining | None
    rows: int
    dim: int
    device: str
    seconds: Mapping[str, float]
    bytes_per_vector: float
    faiss_version: str
    dtype: str = "float32"


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Saves a C-contiguous array as `np.save` does, but with an OSError for a full disk.

    Raises:
        OSError: the disk is full.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def save_index(folder: Path, built: BuiltIndex, tie_rank: Rows) -> None:
    """Writes all files of an index but the vectors, which are there.

    Args:
        tie_rank: (N,) int64, the order of rows of equal score.

    Raises:
        OSError: the disk is full.
    """
    vectors = StoredVectors.open(folder)
    rows, dim = vectors.shape
    distinct = DistinctVectors.from_representatives(built.checked.representative_of, tie_rank)
    save_array(folder / TIE_RANK, tie_rank)
    save_array(folder / ENTRY_ROWS, distinct.rows)
    save_array(folder / ENTRY_OFFSETS, distinct.offsets)
    bytes_per_vector = float(vectors.dtype.itemsize * dim)
    if built.index is not None:
        with (folder / FAISS_INDEX).open("wb") as file:  # a Python file raises OSError for a full disk
            faiss.write_index(built.index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        bytes_per_vector = (folder / FAISS_INDEX).stat().st_size / rows
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
        bytes_per_vector=bytes_per_vector,
        faiss_version=FAISS_VERSION,
        dtype=vectors.dtype.name,
    )
    (folder / SUMMARY).write_text(json.dumps(asdict(summary), indent=1), "utf-8")


def read_files_summary(folder: Path) -> FilesSummary:
    """
    Raises:
        DamagedIndexError: the summary is missing or not whole.
    """
    try:
        fields = json.loads((folder / SUMMARY).read_text("utf-8"))
        fields["spec"] = IndexSpec(**fields["spec"])
        fields["training"] = fields["training"] and IndexTraining(**fields["training"])
        return FilesSummary(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndexError(f"{folder / SUMMARY}: damaged ({error}); build the index again") from error


def read_distinct(folder: Path) -> DistinctVectors:
    """Maps the rows of each distinct vector from their files.

    Raises:
        DamagedIndexError: a file is missing or cut short.
    """
    return DistinctVectors(map_array(folder / ENTRY_ROWS), map_array(folder / ENTRY_OFFSETS))


def read_hashed(folder: Path) -> HashedVectors:
    """Maps the hashes of the distinct vectors from their files, which an exact index does not have.

    Raises:
        DamagedIndexError: a file is missing or cut short.
    """
    return HashedVectors(map_array(folder / ENTRY_HASHES), map_array(folder / HASHED_ENTRIES))


def read_emptied(path: Path) -> Any:
    """Reads a trained FAISS index and removes its vectors.

    Raises:
        DamagedIndexError: the file is missing, cut short, or not an index.
    """
    index = _read_faiss(path, 0)
    index.reset()
    return index


def read_faiss(path: Path) -> Any:
    """Opens a FAISS index with its inverted lists mapped.

    Raises:
        DamagedIndexError: the file is missing, cut short, or not an index.
    """
    index = _read_faiss(path, faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    # By default up to 32 threads prefetch mapped lists, started anew for every search: 4 ms for a query that
    # takes 0.05 ms.
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0
    return index


def _read_faiss(path: Path, flags: int) -> Any:
    try:
        return faiss.read_index(str(path), flags)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DamagedIndexError(f"{path}: damaged ({reason}); build the index again") from error
