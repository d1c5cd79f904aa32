"""Embedded catalogs on disk: Parquet shards and a manifest that is written last."""

from itemsearch.store.manifest import ModelStamp, StoreManifest
from itemsearch.store.reader import EmbeddedRows, open_embedded
from itemsearch.store.writer import StoreWriter

__all__ = ["EmbeddedRows", "ModelStamp", "StoreManifest", "StoreWriter", "open_embedded"]
