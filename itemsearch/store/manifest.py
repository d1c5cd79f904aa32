"""Reads and writes the manifest of a store. A folder without one is not a store, or was never finished."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from itemsearch.decode import decode
from itemsearch.errors import StoreError
from itemsearch.indexes.durable import replace_file

STORE_VERSION = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """The model that made the embeddings. Embeddings of equal fingerprints can be compared.

    name: the value of `--model`, "default" for the shipped weights. precision: of the computation, such as
    "float32". parts: the parts of an embedding, in order, and their sizes. ranking: as `Ranking.describe`
    returns it; None if the model has none. engine: what computed, "torch" or "openvino".
    """

    name: str
    fingerprint: str
    precision: str
    parts: Mapping[str, int]
    ranking: Mapping[str, Any] | None
    engine: str = "torch"


@dataclass(frozen=True, slots=True)
class Shard:
    """A Parquet file in `data/`: its name, rows and size in bytes."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PictureFolders:
    """Where the picture files of a store's listings lie, as seen from the store's folder.

    roots: the folders that a listing's `image_name` may start from. fetched: of those that are web addresses,
    as `itemsearch.fetched` keeps them; "" for none.
    """

    roots: tuple[str, ...] = ()
    fetched: str = ""

    @classmethod
    def seen_from(cls, store: Path, roots: Sequence[Path], fetched: Path | None) -> Self:
        """Of folders that are there now."""
        start = store.resolve()
        return cls(
            tuple(os.path.relpath(root.resolve(), start) for root in roots),
            os.path.relpath(fetched.resolve(), start) if fetched else "",
        )


NO_FOLDERS = PictureFolders()


@dataclass(frozen=True, slots=True)
class StoreManifest:
    """The content of manifest.json.

    catalog: its path. rows_in: rows of the catalog, which are rows + rejected. dim, dtype: of an embedding.
    normalised: whether embeddings have length 1. placeholders: `image_digest` of the catalog's placeholders.
    pictures: where the files of the catalog's pictures are.
    """

    version: int
    created: str
    catalog: str
    rows_in: int
    rows: int
    rejected: int
    dim: int
    dtype: str
    normalised: bool
    model: ModelStamp
    shards: tuple[Shard, ...]
    placeholders: tuple[int, ...] = ()
    pictures: PictureFolders = NO_FOLDERS


def write_manifest(folder: Path, manifest: StoreManifest) -> None:
    """Writes manifest.json, which makes `folder` a store, in one step.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    replace_file(folder / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())


def read_manifest(folder: Path) -> StoreManifest:
    """Reads the manifest of a finished store.

    Raises:
        StoreError: the manifest is missing or damaged, or another version of itemsearch wrote it.
    """
    path = folder / MANIFEST
    try:
        fields = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {MANIFEST}: not a store, or never finished; run itemsearch embed"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: damaged ({error}); run itemsearch embed again") from error
    if not isinstance(fields, dict) or fields.get("version") != STORE_VERSION:
        raise StoreError(f"{path}: not of version {STORE_VERSION}; run itemsearch embed again")
    try:
        return decode(StoreManifest, fields)
    except ValueError as error:
        raise StoreError(f"{path}: damaged ({error}); run itemsearch embed again") from error
