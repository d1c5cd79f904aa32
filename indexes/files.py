"""The files of an index in a version folder: vectors, their order among ties, FAISS's part, and a summary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from indexes.build import BuiltIndex
from indexes.choose import IndexSpec
from indexes.errors import DamagedIndexError

VECTORS = "vectors.npy"
TIE_RANK = "tie_rank.npy"
FAISS_INDEX = "index.faiss"
SUMMARY = "index.json"


@dataclass(frozen=True, slots=True)
class FilesSummary:
    """What index.json tells: how the index was built, and what it takes in memory."""

    spec: IndexSpec
    rows: int
    dim: int
    device: str
    seconds: Mapping[str, float]
    bytes_per_vector: float
    faiss_version: str


def create_vectors(folder: Path, rows: int, dim: int) -> np.memmap[Any, np.dtype[np.float32]]:
    """An (N, D) array in a file, to be filled batch by batch and flushed."""
    return np.lib.format.open_memmap(folder / VECTORS, mode="w+", dtype=np.float32, shape=(rows, dim))


def save_index(folder: Path, built: BuiltIndex, tie_rank: npt.NDArray[np.int64]) -> None:
    """Writes all but the vectors, which are there already."""
    rows, dim = np.load(folder / VECTORS, mmap_mode="r").shape
    np.save(folder / TIE_RANK, tie_rank)
    taken = 4.0 * dim
    if built.index is not None:
        faiss.write_index(built.index, str(folder / FAISS_INDEX))
        taken = (folder / FAISS_INDEX).stat().st_size / rows
    summary = FilesSummary(built.spec, rows, dim, built.device, built.seconds, taken, faiss.__version__)
    (folder / SUMMARY).write_text(json.dumps(asdict(summary), indent=1), "utf-8")


def read_files_summary(folder: Path) -> FilesSummary:
    """
    Raises:
        DamagedIndexError: there is no summary, or it is not whole.
    """
    try:
        held = json.loads((folder / SUMMARY).read_text("utf-8"))
        held["spec"] = IndexSpec(**held["spec"])
        return FilesSummary(**held)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndexError(f"{folder / SUMMARY}: damaged ({error}); build the index again") from error


def map_array(path: Path) -> npt.NDArray[Any]:
    """An array as it lies in its file.

    Raises:
        DamagedIndexError: the file is missing or cut short.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error
    return array


def read_faiss(path: Path) -> Any:
    """FAISS's index, its lists mapped rather than read.

    Raises:
        DamagedIndexError: the file is missing, cut short, or no index.
    """
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DamagedIndexError(f"{path}: damaged ({reason}); build the index again") from error
