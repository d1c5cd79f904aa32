"""Description of this machine, and an estimate of the disk space that a catalog needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.read import everything_is_known
from itemsearch.embed.encoder import Encoder
from itemsearch.indexes.gpu import describe_faiss
from itemsearch.model.device import describe_device, resolve_device
from itemsearch.store.schema import thumbnail

LIBRARIES = ("itemsearch", "torch", "transformers", "pyarrow", "numpy")
COPIES_OF_A_STORE = 2
"""The current store, and the new one that a run writes before it replaces the current one."""
FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine's libraries, devices and free space.

    libraries: name to version. device: the device that torch computes on. faiss: version and GPUs of FAISS.
    cores: CPU cores that this process may use. disk_free_bytes: on the disk of the folder examined.
    """

    libraries: Mapping[str, str]
    device: str
    faiss: str
    cores: int
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class DiskEstimate:
    """Disk space for a catalog of `rows` rows.

    store_bytes: of the store and of the one that replaces it. index_bytes: of all index versions.
    """

    rows: int
    store_bytes: int
    index_bytes: int


def examine_machine(folder: Path) -> Machine:
    """Describes this machine, with the disk of `folder`, which need not exist yet."""
    page_bytes, existing = os.sysconf("SC_PAGE_SIZE"), folder.resolve()
    while not existing.exists():
        existing = existing.parent
    return Machine(
        libraries={name: version(name) for name in LIBRARIES},
        device=describe_device(resolve_device("auto")),
        faiss=describe_faiss(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=page_bytes * os.sysconf("SC_PHYS_PAGES"),
        memory_free_bytes=page_bytes * os.sysconf("SC_AVPHYS_PAGES"),
        disk_free_bytes=shutil.disk_usage(existing).free,
    )


def estimate_disk(catalog: CatalogConfig, encoder: Encoder, keep: int) -> DiskEstimate:
    """Counts the catalog's rows, and estimates the bytes of each from the first batch.

    The first batch gives the size of titles, thumbnails and carried columns; no other picture is read.

    Args:
        keep: index versions that stay; one more exists while it is built.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    source = open_catalog(catalog)
    first = next(source.batches())
    thumbnails = [thumbnail(listing.image) for listing in first.items if listing.image is not None]
    carried_bytes = sum(map(len, thumbnails)) + first.carried.nbytes
    text_bytes = sum(len(listing.title.encode()) + len(listing.id) for listing in first.items)
    row_bytes = (carried_bytes + text_bytes) / max(1, len(first.items)) + encoder.dim * FLOAT32_BYTES
    rows = sum(batch.rows for batch in source.batches(everything_is_known))
    return DiskEstimate(
        rows, round(COPIES_OF_A_STORE * row_bytes * rows), round((keep + 1) * row_bytes * rows)
    )
