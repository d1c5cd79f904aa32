"""Training tables of pre-training, prepared from catalogs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from itemsearch.catalog import CatalogConfig
from itemsearch.pretrain.data import prepare_catalogs


def training_table(folder: Path, *catalogs: Path, group: str = "") -> pa.Table:
    path = folder / "catalog.arrow"
    prepare_catalogs([CatalogConfig(str(catalog)) for catalog in catalogs], path, group)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
