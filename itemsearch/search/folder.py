"""An index folder: versions of an index, each whole, and which of them is current.

A version holds the vectors and their index (`indexes`), and beside them the products, row by row:
`listings.arrow` has every column of the store but the embedding, `id_order.npy` the rows in order of id,
`ngram_frequency.npy` how rare each n-gram bucket is in the titles.
"""

from __future__ import annotations

import bisect
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.errors import DamagedIndexError, TargetError, VectorIndexError
from itemsearch.indexes.searching.params import Tuning, read_tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.files import FAISS_VERSION, map_array, read_files_summary
from itemsearch.indexes.storage.versions import Version, read_version
from itemsearch.probability.calibration import Calibration, read_calibration
from itemsearch.ranking.evidence import EvidenceReader
from itemsearch.ranking.ranking import Ranking
from itemsearch.search.ranker import Judgement, Ranker
from itemsearch.store.manifest import ModelStamp

LISTINGS = "listings.arrow"
ID_ORDER = "id_order.npy"
NGRAM_FREQUENCY = "ngram_frequency.npy"
FORMAT = 5
"""Of what a version holds; raised when older ones can no longer be read."""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What `itemsearch index info` tells.

    kind: "exact" or "ivfpq"; spec: FAISS's name of it. bytes_per_vector: what the index itself takes,
    the exact vectors for re-ranking aside. model: None where a team brought vectors of its own. tuning:
    what was measured; None where nothing was, and searches use default parameters. training: what was
    trained, or kept of an earlier version, and why. calibration: what labels taught about duplicates; None
    without labels.
    """

    folder: str
    version: int
    created: str
    store: str
    rows: int
    dim: int
    kind: str
    spec: str
    nprobe: int
    bytes_per_vector: float
    device: str
    seconds: Mapping[str, float]
    libraries: Mapping[str, str]
    model: ModelStamp | None
    training: str
    tuning: Tuning | None
    calibration: Calibration | None


@contextmanager
def index_errors(folder: Path) -> Iterator[None]:
    """The one seam at which what `indexes` raises joins our tree of exceptions."""
    try:
        yield
    except VectorIndexError as error:
        message = str(error)
        kind = GateError if isinstance(error, TargetError) else IndexFolderError
        raise kind(message if str(folder) in message else f"{folder}: {message}") from error


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """A version's parts, mapped from its files, which may be removed from then on."""

    summary: IndexSummary
    ranker: Ranker
    id_order: npt.NDArray[np.int64]


def open_current(folder: Path) -> OpenVersion:
    """Opens the current version of an index folder.

    Raises:
        VectorIndexError: no index, or a damaged one.
    """
    return read_version(folder, lambda version: open_version(folder, version))


def open_version(folder: Path, version: Version) -> OpenVersion:
    """Opens a version of an index folder, published or staged.

    Raises:
        VectorIndexError: it is damaged.
        IndexFolderError: another version of itemsearch built it.
    """
    summary = summarise(folder, version)
    listings = _read_products(version.folder / LISTINGS)
    return OpenVersion(
        summary=summary,
        ranker=Ranker(VectorIndex.open(version.folder), listings, _judgement(version, summary.model)),
        id_order=map_array(version.folder / ID_ORDER),
    )


def find_row(listings: pa.Table, id_order: npt.NDArray[np.int64], id: str) -> int | None:
    """The row of a product, by bisection of the (N,) rows in order of id."""
    ids = listings["id"]
    place = bisect.bisect_left(id_order, id, key=lambda row: ids[int(row)].as_py())
    if place == len(id_order) or ids[int(id_order[place])].as_py() != id:
        return None
    return int(id_order[place])


def library_versions() -> dict[str, str]:
    """Of what a version's content depends on."""
    return {
        "itemsearch": installed_version("itemsearch"),
        "faiss": FAISS_VERSION,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "python": platform.python_version(),
    }


def _read_products(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error


def _judgement(version: Version, model: ModelStamp | None) -> Judgement | None:
    if model is None or model.ranking is None:
        return None
    reader = EvidenceReader(model.parts, map_array(version.folder / NGRAM_FREQUENCY))
    return Judgement(reader, Ranking.from_description(model.ranking))


def read_summary(folder: Path) -> IndexSummary:
    """What the current version says of itself.

    Raises:
        IndexFolderError: no index, or a damaged one.
    """
    with index_errors(folder):
        return read_version(folder, lambda version: summarise(folder, version))


def summarise(folder: Path, version: Version) -> IndexSummary:
    """What a version says of itself.

    Raises:
        DamagedIndexError: it is damaged.
        IndexFolderError: another version of itemsearch built it.
    """
    metadata = version.metadata
    if metadata.get("format") != FORMAT:
        raise IndexFolderError(f"{folder}: built by another version of itemsearch; build the index again")
    files, tuning = read_files_summary(version.folder), read_tuning(version.folder)
    return IndexSummary(
        folder=str(folder),
        version=version.number,
        created=metadata["created"],
        store=metadata["store"],
        rows=files.rows,
        dim=files.dim,
        kind=files.spec.kind,
        spec=files.spec.factory,
        nprobe=tuning.chosen.params.nprobe if tuning else files.spec.nprobe,
        bytes_per_vector=files.bytes_per_vector,
        device=files.device,
        seconds=metadata["seconds"],
        libraries=metadata["libraries"],
        model=metadata["model"] and ModelStamp(**metadata["model"]),
        training=metadata["training"],
        tuning=tuning,
        calibration=read_calibration(version.folder),
    )
