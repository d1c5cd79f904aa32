"""What a store says of itself. A folder without a manifest is no store, or one that was never finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from itemsearch.errors import StoreError
from itemsearch.indexes.durable import replace_file

STORE_VERSION = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which model made the embeddings: equal fingerprints mean comparable embeddings.

    name: what `--model` was given, "default" for the shipped weights. precision: what it computed in.
    parts: the parts of an embedding, in order, and their sizes. ranking: what `Ranking.describe` gave.
    """

    name: str
    fingerprint: str
    precision: str
    parts: Mapping[str, int]
    ranking: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Shard:
    """A Parquet file in `data/`."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StoreManifest:
    """rows_in = rows + rejected. Embeddings have `dim` numbers of `dtype` and length 1."""

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


def write_manifest(folder: Path, manifest: StoreManifest) -> None:
    """Makes `folder` a store, in one step."""
    replace_file(folder / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())


def read_manifest(folder: Path) -> StoreManifest:
    """The manifest of a finished store.

    Raises:
        StoreError: there is none, it is damaged, or another version of itemsearch wrote it.
    """
    path = folder / MANIFEST
    try:
        held = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {MANIFEST}: not a store, or never finished; run itemsearch embed"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: damaged ({error}); run itemsearch embed again") from error
    if not isinstance(held, dict) or held.get("version") != STORE_VERSION:
        raise StoreError(f"{path}: not of version {STORE_VERSION}; run itemsearch embed again")
    try:
        held["model"] = ModelStamp(**held["model"])
        held["shards"] = tuple(Shard(**shard) for shard in held["shards"])
        return StoreManifest(**held)
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path}: damaged ({error}); run itemsearch embed again") from error
