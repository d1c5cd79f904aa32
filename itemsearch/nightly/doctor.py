"""What a machine has, and what a catalog will need of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.indexes.gpu import describe_faiss
from itemsearch.model.device import describe_device, resolve_device
from itemsearch.store.schema import thumbnail

LIBRARIES = ("itemsearch", "torch", "transformers", "pyarrow", "numpy")
COPIES_OF_A_STORE = 2
"""The store, and the one that a run writes before it takes the other's place."""
FLOAT32 = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes are of this machine's memory, and of the disk that holds the folder asked about."""

    libraries: Mapping[str, str]
    torch: str
    faiss: str
    cores: int
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class Need:
    """What a catalog of `rows` takes on the disk: a store and the one that it replaces, and index versions.

    Estimated from the first products: their thumbnails, their carried columns.
    """

    rows: int
    store_bytes: int
    index_bytes: int


def examine(folder: Path) -> Machine:
    """The machine, and the disk that `folder` is on or will be on."""
    page, there = os.sysconf("SC_PAGE_SIZE"), folder.resolve()
    while not there.exists():
        there = there.parent
    return Machine(
        libraries={name: version(name) for name in LIBRARIES},
        torch=describe_device(resolve_device("auto")),
        faiss=describe_faiss(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=page * os.sysconf("SC_PHYS_PAGES"),
        memory_free_bytes=page * os.sysconf("SC_AVPHYS_PAGES"),
        disk_free_bytes=shutil.disk_usage(there).free,
    )


def estimate(catalog: CatalogConfig, encoder: ListingEncoder, keep: int) -> Need:
    """Reads the catalog's rows, and the pictures of the first batch alone.

    Args:
        keep: index versions that stay; one more is there while it is built.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    source = open_catalog(catalog)
    first = next(source.batches())
    pictures = [thumbnail(product.image) for product in first.items if product.image is not None]
    carried = sum(map(len, pictures)) + first.carried.nbytes
    titles = sum(len(product.title.encode()) + len(product.id) for product in first.items)
    row = (carried + titles) / max(1, len(first.items)) + encoder.dim * FLOAT32
    rows = sum(batch.rows for batch in source.batches(lambda id, content_hash: True))
    return Need(rows, round(COPIES_OF_A_STORE * row * rows), round((keep + 1) * row * rows))
