"""The training of a version is kept by the next one of the same model, where a build asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from support.vectors import clustered

from itemsearch.indexes.storage.versions import current_version
from itemsearch.indexes.types import Target
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.store.manifest import ModelStamp
from itemsearch.store.schema import StoredPictures
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing

ROWS = 10_000
KEEPING = IndexConfig("cpu", target=Target(0.8), retrain_ratio=0.2, keep=9)


def write_store(path: Path, fingerprint: str) -> Path:
    model = ModelStamp("a-model", fingerprint, "float32", {"stream": 16}, None)
    listings = [Listing(row + 1, f"{row:05d}", f"title {row}", "", None, str(row)) for row in range(ROWS)]
    carried = pa.record_batch({"price": np.arange(ROWS)})
    with StoreWriter(path, model, 16, "float32", carried.schema) as store:
        store.add(listings, clustered(ROWS, 16), StoredPictures([None] * ROWS, [None] * ROWS), carried)
        store.finish("shop.csv", ROWS)
    return path


def test_training_is_kept_for_the_same_model_and_the_summary_says_so(tmp_path: Path) -> None:
    store, index = write_store(tmp_path / "store", "one"), tmp_path / "index"

    def build(config: IndexConfig = KEEPING, store: Path = store) -> str:
        told = build_index_folder(store, index, config).training
        assert read_summary(index).training == told
        return told

    assert build() == "trained: the first version"
    kept = "kept: the training of version 1, of 10,000 different vectors, gives 10,000 a recall@10 of 0."
    assert build().startswith(kept)
    assert build().startswith(kept)
    assert build(IndexConfig("cpu", target=Target(0.8))) == "trained: as every build is by itself"
    unmeasured = IndexConfig("cpu", retrain_ratio=0.2)
    assert build(unmeasured) == "trained: no recall is measured, which would tell when to"
    assert build() == "trained: version 5 was built to be another kind of index"
    other = write_store(tmp_path / "other", "two")
    assert build(KEEPING, other) == "trained: version 6 is of another model"
    manifest = current_version(index).folder / "MANIFEST.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"a-model", b"b-model"))
    assert build(KEEPING, other).startswith(f"trained: the version before is damaged ({manifest}: altered")
