"""Reads the versions of an index folder: their summaries, listings and score models.

A version holds the vectors and their index (`itemsearch.indexes`), the pictures (`pictures.py`), and three
files on the listings, row by row: `listings.arrow` has every other column of the store but the embedding,
`id_order.npy` the rows in order of id, `ngram_frequency.npy` the inverse document frequency of each n-gram
bucket in the titles.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np
import pyarrow as pa

from itemsearch.decode import decode
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.errors import DamagedIndexError, TargetError, VectorIndexError
from itemsearch.indexes.searching.params import Tuning, read_tuning
from itemsearch.indexes.storage.files import FAISS_VERSION, read_files_summary
from itemsearch.indexes.storage.vectors import map_array
from itemsearch.indexes.storage.versions import Version, read_version
from itemsearch.probability.calibration import Calibration, read_calibration
from itemsearch.ranking.evidence import EvidenceReader
from itemsearch.ranking.ranking import Ranking
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.pictures import PICTURE_COLUMNS, StoredPictures
from itemsearch.store.manifest import ModelStamp

LISTINGS = "listings.arrow"
ID_ORDER = "id_order.npy"
NGRAM_FREQUENCY = "ngram_frequency.npy"
FORMAT = 6
"""The format of a version; raised when other versions of itemsearch can no longer read it."""
READABLE = (5, FORMAT)
"""The formats that can be read. In 5 the vectors were float32, and the pictures among the listings."""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What a version says of itself, as `itemsearch index info` shows it.

    current: the version that readers open; another than this one if a rollback pinned it before this was
    built. kind: "exact" or "ivfpq"; spec: FAISS's name of it. bytes_per_vector: of the index alone, without
    the exact vectors for re-ranking, which are of `dtype`. seconds: by stage of the build. model: None for
    external embeddings. training: what was trained, or kept of an earlier version, and why. shared: what is
    in files of an earlier version. tuning: the measured search parameters; None where none were measured and
    searches use the defaults. calibration: of probabilities; None without labels. placeholders:
    `image_digest` of the catalog's placeholders.
    """

    folder: str
    version: int
    current: int
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
    dtype: str
    training: str
    shared: str
    tuning: Tuning | None
    calibration: Calibration | None
    placeholders: tuple[int, ...]


@contextmanager
def index_errors(folder: Path) -> Iterator[None]:
    """Turns the exceptions of `itemsearch.indexes` into those of `itemsearch.errors`."""
    try:
        yield
    except VectorIndexError as error:
        message = str(error)
        kind = GateError if isinstance(error, TargetError) else IndexFolderError
        raise kind(message if str(folder) in message else f"{folder}: {message}") from error


def library_versions() -> dict[str, str]:
    """The versions of the libraries that a version's content depends on."""
    return {
        "itemsearch": installed_version("itemsearch"),
        "faiss": FAISS_VERSION,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "python": platform.python_version(),
    }


def read_listings(version: Path) -> pa.Table:
    """Maps the listings of a version's folder.

    Raises:
        DamagedIndexError: the file is damaged.
    """
    path = version / LISTINGS
    try:
        listings = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        pictures = StoredPictures.open(version)
        for name in set(PICTURE_COLUMNS).intersection(listings.column_names):
            place = listings.column_names.index(name)
            if name in pictures.columns:
                listings = listings.set_column(place, name, pictures.read(name))
            elif pa.types.is_null(listings[name].type):
                listings = listings.set_column(place, name, pa.nulls(len(listings), pa.binary()))
        return listings
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error


def read_score_model(version: Path, model: ModelStamp | None) -> ScoreModel | None:
    """Reads a version's score model; None for external embeddings and for a model without a ranking."""
    if model is None or model.ranking is None:
        return None
    reader = EvidenceReader(model.parts, map_array(version / NGRAM_FREQUENCY))
    return ScoreModel(reader, Ranking.from_description(model.ranking))


def read_summary(folder: Path) -> IndexSummary:
    """Summarises the current version.

    Raises:
        IndexFolderError: there is no index, or it is damaged.
    """
    with index_errors(folder):
        return read_version(folder, lambda version: summarise(folder, version))


def summarise(folder: Path, version: Version) -> IndexSummary:
    """Summarises a version.

    Raises:
        DamagedIndexError: it is damaged.
        IndexFolderError: another version of itemsearch built it.
    """
    metadata = version.metadata
    if metadata.get("format") not in READABLE:
        raise IndexFolderError(f"{folder}: built by another version of itemsearch; build the index again")
    files, tuning = read_files_summary(version.folder), read_tuning(version.folder)
    return IndexSummary(
        folder=str(folder),
        version=version.number,
        current=version.number,
        created=metadata["created"],
        store=os.path.normpath(folder.resolve() / metadata["store"]),
        rows=files.rows,
        dim=files.dim,
        kind=files.spec.kind,
        spec=files.spec.factory,
        nprobe=tuning.chosen.params.nprobe if tuning else files.spec.nprobe,
        bytes_per_vector=files.bytes_per_vector,
        device=files.device,
        seconds=metadata["seconds"],
        libraries=metadata["libraries"],
        model=metadata["model"] and decode(ModelStamp, metadata["model"]),
        dtype=files.dtype,
        training=metadata["training"],
        shared=metadata.get("shared", ""),
        tuning=tuning,
        calibration=read_calibration(version.folder),
        placeholders=tuple(metadata.get("placeholders", ())),
    )
