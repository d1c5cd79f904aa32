"""Leaves a store as it was where what is made of it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itemsearch.errors import GateError, StoreError
from itemsearch.indexes.durable import only_writer, replace_file
from itemsearch.indexes.errors import BusyError
from itemsearch.store.manifest import MANIFEST
from itemsearch.store.shards import remove_unlisted


@contextmanager
def restoring(folder: Path) -> Iterator[None]:
    """Within it a store may be replaced, by a writer that keeps the replaced shards.

    If a gate refuses what was made of the new store, the earlier one is put back; the new shards stay until
    the next run is done, which reuses their rows. Otherwise the earlier shards are removed.

    Raises:
        StoreError: another process is writing to the store.
    """
    manifest = folder / MANIFEST
    earlier = manifest.read_bytes() if manifest.exists() else None
    try:
        yield
    except GateError:
        if earlier is not None:
            with _only_writer(folder):
                replace_file(manifest, earlier)
        raise
    with _only_writer(folder):
        remove_unlisted(folder)


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    try:
        with only_writer(folder, "store"):
            yield
    except BusyError as error:
        raise StoreError(str(error)) from None
