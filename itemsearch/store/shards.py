"""Tells the shards that a store's manifest lists from others that lie beside them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from itemsearch.errors import StoreError
from itemsearch.store.manifest import read_manifest


def listed_shards(folder: Path) -> frozenset[str]:
    """The names of the shards in a store's manifest; none where it cannot be read."""
    try:
        return frozenset(shard.name for shard in read_manifest(folder).shards)
    except StoreError:
        return frozenset()


def remove_unlisted(folder: Path, but: Collection[str] = ()) -> None:
    """Removes the files of a store's data that its manifest does not list, except those named in `but`.

    Raises:
        StoreError: the manifest cannot be read.
    """
    kept = {shard.name for shard in read_manifest(folder).shards}.union(but)
    for path in (folder / "data").iterdir():
        if path.name not in kept:
            path.unlink()
