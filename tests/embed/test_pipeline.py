from __future__ import annotations

import time
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import write_catalog

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.formats import columnar
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.pipeline import BATCHES_AHEAD, Pipeline
from itemsearch.indexes.progress import silent
from itemsearch.store import writer
from itemsearch.store.reader import open_embedded
from itemsearch.store.reuse import EarlierRows


def test_a_store_does_not_depend_on_threads(tmp_path: Path, tiny_model: Path) -> None:
    config = CatalogConfig(str(write_catalog(tmp_path / "shop", 70)), batch_rows=9)
    stores = []
    for threads in (1, 2, 5):
        out, encoder = tmp_path / f"store-{threads}", open_encoder(str(tiny_model), "cpu", threads, bulk=True)
        embed_catalog(config, out, encoder, EmbedConfig(batch_size=4), silent)
        stores.append([row for batch in open_embedded(out).batches() for row in batch.to_pylist()])
    assert stores[0] == stores[1] == stores[2]
    assert [row["id"] for row in stores[0]] == [f"{row:05d}" for row in range(70)]


class _OnceSlow:
    """An encoder whose first batch takes a while, and which then tells how many rows were read meanwhile."""

    def __init__(self, encoder: Encoder, earlier: _Counting) -> None:
        self.encoder, self.earlier, self.lock = encoder, earlier, Lock()
        self.read: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def embed(self, batch: EncoderBatch) -> np.ndarray:
        with self.lock:
            first, self.read = self.read is None, self.read or 0
        if first:
            time.sleep(1)
            self.read = self.earlier.asked
        return self.encoder.embed(batch)


class _Counting(EarlierRows):
    """Holds nothing, and counts how often it was asked: once for each row that is read."""

    def __init__(self) -> None:
        super().__init__([], {}, [])
        self.asked = 0

    def holds(self, content_hash: str) -> bool:
        self.asked += 1
        return False


def test_rows_that_wait_are_bounded(tmp_path: Path, tiny_model: Path) -> None:
    catalog = open_catalog(CatalogConfig(str(write_catalog(tmp_path / "shop", 120)), batch_rows=4))
    earlier = _Counting()
    encoder = _OnceSlow(open_encoder(str(tiny_model), "cpu", 2, bulk=True), earlier)
    pipeline = Pipeline(cast(Encoder, encoder), earlier, 4)
    assert sum(len(batch.items) for batch, _ in pipeline.embedded(catalog, ())) == 120
    assert encoder.read is not None
    assert 4 < encoder.read <= BATCHES_AHEAD * 4 * 2 + 3 * 4


def test_a_failure_ends_the_run(tmp_path: Path, tiny_model: Path) -> None:
    class Broken(_OnceSlow):
        def embed(self, batch: EncoderBatch) -> np.ndarray:
            raise OSError("no space")

    catalog = open_catalog(CatalogConfig(str(write_catalog(tmp_path / "shop", 120)), batch_rows=4))
    earlier = _Counting()
    encoder = Broken(open_encoder(str(tiny_model), "cpu", 2, bulk=True), earlier)
    pipeline = Pipeline(cast(Encoder, encoder), earlier, 4)
    with pytest.raises(OSError, match="no space"):
        list(pipeline.embedded(catalog, ()))
    assert earlier.asked < 120


def test_large_cells_are_read_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "BATCH_BYTES", 100_000)
    noise = np.random.default_rng(0).integers(0, 256, (20, 30_000), np.uint8)
    rows = {"id": [f"{row}" for row in range(20)], "title": ["mug"] * 20, "image": list(map(bytes, noise))}
    pq.write_table(pa.table(rows), tmp_path / "shop.parquet")
    with (
        pa.OSFile(str(tmp_path / "shop.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, pa.table(rows).schema) as file,
    ):
        file.write_table(pa.table(rows))
    for name in ("shop.parquet", "shop.arrow"):
        batches = list(open_catalog(CatalogConfig(str(tmp_path / name))).batches())
        assert [batch.rows for batch in batches] == [3] * 6 + [2]


def test_shards_are_bounded_by_bytes(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_BYTES", 50_000)
    lines = [f"{row},mug {row},{'x' * 10_000}" for row in range(40)]
    (tmp_path / "shop.csv").write_text("\n".join(["id,title,description", *lines]))
    config = CatalogConfig(str(tmp_path / "shop.csv"), batch_rows=4)
    embed_catalog(config, tmp_path / "store", encoder, EmbedConfig(), silent)
    assert len(list((tmp_path / "store" / "data").iterdir())) == 5
