from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.catalogs import draw_picture

from itemsearch.columns import OWN_COLUMNS
from itemsearch.errors import StoreError
from itemsearch.store import writer as store_writer
from itemsearch.store.manifest import ModelStamp
from itemsearch.store.reader import open_embedded
from itemsearch.store.reuse import EarlierRows
from itemsearch.store.schema import StoredPictures, store_schema
from itemsearch.store.sketches import SKETCH_BYTES
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing, Reject, RejectReason

MODEL = ModelStamp("a-model", "fingerprint", "float32", {"stream": 8}, None)
PRICE = pa.schema({"price": pa.float64()})


def listings(start: int, count: int) -> tuple[list[Listing], np.ndarray, StoredPictures, pa.RecordBatch]:
    rng = np.random.default_rng(start)
    embeddings = rng.standard_normal((count, 4)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = [
        Listing(
            row + 1,
            f"{row:04d}",
            f"title {row}" if row % 3 else "",
            "mugs",
            Image.new("RGB", (300, 200)),
            f"hash {row}",
            other_images=(draw_picture(row),) * (row % 3),
        )
        for row in range(start, start + count)
    ]
    pictures = StoredPictures.of(rows)
    return (
        rows,
        embeddings,
        pictures,
        pa.record_batch({"price": np.arange(start, start + count) / 2}, schema=PRICE),
    )


def write(folder: Path, count: int = 10, dtype: str = "float32") -> None:
    with StoreWriter(folder, MODEL, 4, dtype, PRICE) as store:
        store.add(*listings(0, count))
        store.reject([Reject(count + 1, "bad", RejectReason.EMPTY, "nothing in it")])
        store.write_rejects()
        store.finish("shop.csv", count + 1)


def test_rows_come_back_as_they_were_given(tmp_path: Path) -> None:
    write(tmp_path)
    rows = open_embedded(tmp_path)
    assert (rows.rows, rows.dim, rows.model) == (10, 4, MODEL)
    table = pa.Table.from_batches(rows.batches())
    given, embeddings, _, carried = listings(0, 10)
    assert table["id"].to_pylist() == [product.id for product in given]
    np.testing.assert_array_equal(np.stack(table["embedding"].to_pylist()).astype(np.float32), embeddings)
    assert table["price"].to_pylist() == carried["price"].to_pylist()
    assert table["title"].to_pylist()[:2] == [None, "title 1"]
    assert table["has_title"].to_pylist()[:2] == [False, True]
    assert pq.read_table(tmp_path / "rejects.parquet").to_pylist() == [
        {"row": 11, "id": "bad", "reason": "no_title_and_no_image", "message": "nothing in it"}
    ]


def test_the_schema_says_what_the_embeddings_are(tmp_path: Path) -> None:
    write(tmp_path, dtype="float16")
    schema = pq.read_schema(next((tmp_path / "data").iterdir()))
    assert schema.field("embedding").type == pa.list_(pa.float16(), 4)
    held = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert held["itemsearch.model_fingerprint"] == "fingerprint"
    assert held["itemsearch.dim"] == "4"
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["rows_in"], manifest["rows"], manifest["rejected"]) == (11, 10, 1)


def test_many_rows_make_several_shards_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "SHARD_ROWS", 8)
    with StoreWriter(tmp_path, MODEL, 4, "float32", PRICE) as store:
        for start in range(0, 20, 5):
            store.add(*listings(start, 5))
        store.finish("shop.csv", 20)
    assert [path.name[:10] for path in sorted((tmp_path / "data").iterdir())] == ["part-00000", "part-00001"]
    ids = [row for batch in open_embedded(tmp_path).batches() for row in batch["id"].to_pylist()]
    assert ids == [f"{row:04d}" for row in range(20)]


def test_a_store_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, 10)

    def fail() -> None:
        with StoreWriter(tmp_path, MODEL, 4, "float32", PRICE) as store:
            store.add(*listings(0, 3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert open_embedded(tmp_path).rows == 10
    write(tmp_path, 3)
    assert open_embedded(tmp_path).rows == 3
    assert not (tmp_path / ".staging").exists()


def test_a_run_that_dies_as_it_finishes_leaves_the_old_store_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 10)
    with monkeypatch.context() as patched:
        patched.setattr(store_writer, "write_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write(tmp_path, 3)
    assert pa.Table.from_batches(open_embedded(tmp_path).batches()).num_rows == 10
    with monkeypatch.context() as patched:
        patched.setattr(store_writer.shutil, "rmtree", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write(tmp_path, 4)
    assert open_embedded(tmp_path).rows == 4
    write(tmp_path, 5)
    assert len(list((tmp_path / "data").iterdir())) == 1


def test_a_run_that_dies_at_any_rename_leaves_nothing_that_stops_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed: list[str] = []
    rename = os.rename

    def count(*paths: str) -> None:
        renamed.append(str(paths[0]))
        rename(*paths)

    monkeypatch.setattr(os, "rename", count)
    write(tmp_path / "whole")
    names = [Path(path).name for path in renamed]
    assert [name for name in names if name.startswith(("rejects.parquet.", "manifest.json."))]
    for fatal in range(len(names)):
        left = iter(range(fatal, -1, -1))
        with monkeypatch.context() as patched:
            patched.setattr(os, "rename", lambda *paths: rename(*paths) if next(left) else 1 / 0)  # noqa: B023
            with pytest.raises(ZeroDivisionError):
                write(tmp_path / str(fatal))
        assert EarlierRows.find(tmp_path / str(fatal), MODEL, 4, "float32").damaged == []
        write(tmp_path / str(fatal))
        assert open_embedded(tmp_path / str(fatal)).rows == 10


def test_one_process_writes_a_store_at_a_time(tmp_path: Path) -> None:
    with (
        StoreWriter(tmp_path, MODEL, 4, "float32", PRICE),
        pytest.raises(StoreError, match="another process"),
    ):
        write(tmp_path)
    write(tmp_path)


def test_earlier_rows_are_found_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "SHARD_ROWS", 4)
    with StoreWriter(tmp_path, MODEL, 4, "float16", PRICE) as store:
        store.add(*listings(0, 5))
        store.add(*listings(5, 5))
        store.finish("shop.csv", 10)
    earlier = EarlierRows.find(tmp_path, MODEL, 4, "float16")
    assert earlier.holds("hash 7")
    assert not earlier.holds("hash 10")
    vectors, pictures = earlier.take(["hash 7", "hash 1"])
    np.testing.assert_array_equal(vectors[0], listings(5, 5)[1][2].astype(np.float16))
    np.testing.assert_array_equal(vectors[1], listings(0, 5)[1][1].astype(np.float16))
    assert pictures.thumbnails == listings(7, 1)[2].thumbnails * 2
    assert pictures.others == [listings(7, 1)[2].others[0], listings(1, 1)[2].others[0]]
    assert [len(others or b"") for others in listings(0, 3)[2].others] == [0, SKETCH_BYTES, 2 * SKETCH_BYTES]


def test_the_rows_of_a_store_and_of_a_refused_one_are_found(tmp_path: Path) -> None:
    write(tmp_path)
    manifest = (tmp_path / "manifest.json").read_bytes()
    rows, *others = listings(0, 10)
    changed = [dataclasses.replace(row, content_hash=f"other {row.id}") for row in rows]
    with StoreWriter(tmp_path, MODEL, 4, "float32", PRICE, keep_replaced=True) as store:
        store.add(changed, *others)
        store.finish("shop.csv", 10)
    (tmp_path / "manifest.json").write_bytes(manifest)
    earlier = EarlierRows.find(tmp_path, MODEL, 4, "float32")
    assert earlier.holds("other 0007")
    assert earlier.holds("hash 7")


def test_the_columns_of_a_store_are_those_that_a_catalog_cannot_hide() -> None:
    assert set(store_schema(PRICE, 4, "float32", MODEL).names) == {*OWN_COLUMNS, "price"}


@pytest.mark.parametrize(
    ("change", "dtype", "held"),
    [
        ({}, "float32", 10),
        ({"name": "moved"}, "float32", 10),
        ({"fingerprint": "other"}, "float32", 0),
        ({"precision": "bfloat16"}, "float32", 0),
        ({}, "float16", 0),
    ],
)
def test_earlier_rows_are_those_of_the_same_model(
    tmp_path: Path, change: dict[str, str], dtype: str, held: int
) -> None:
    write(tmp_path)
    earlier = EarlierRows.find(tmp_path, dataclasses.replace(MODEL, **change), 4, dtype)  # type: ignore[arg-type]
    assert len(earlier.places) == held


def test_rows_of_an_earlier_version_are_reused_though_it_kept_no_other_pictures(tmp_path: Path) -> None:
    write(tmp_path)
    (shard,) = (tmp_path / "data").iterdir()
    table = pq.read_table(shard).drop_columns(["other_pictures", "image_number", "image_name"])
    pq.write_table(table, shard, write_page_checksum=True)
    earlier = EarlierRows.find(tmp_path, MODEL, 4, "float32")
    assert (len(earlier.places), list(earlier.damaged)) == (10, [])
    _, pictures = earlier.take(["hash 3", "hash 1"])
    assert pictures.others == [None, None]
    assert pictures.thumbnails == listings(3, 1)[2].thumbnails + listings(1, 1)[2].thumbnails


def test_a_damaged_shard_is_named_and_the_others_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_ROWS", 5)
    with StoreWriter(tmp_path, MODEL, 4, "float32", PRICE) as store:
        store.add(*listings(0, 5))
        store.add(*listings(5, 5))
        store.finish("shop.csv", 10)
    shard = min((tmp_path / "data").iterdir())
    content = bytearray(shard.read_bytes())
    columns = pq.read_metadata(shard).row_group(0)
    embedding = next(
        columns.column(place)
        for place in range(columns.num_columns)
        if columns.column(place).path_in_schema.startswith("embedding")
    )
    content[embedding.data_page_offset + embedding.total_compressed_size // 2] ^= 0x40
    shard.write_bytes(content)
    earlier = EarlierRows.find(tmp_path, MODEL, 4, "float32")
    assert list(earlier.damaged) == [shard]
    assert sorted(earlier.places) == [f"hash {row}" for row in range(5, 10)]


def test_a_folder_of_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds thesis\.doc"):
        write(tmp_path)
    with pytest.raises(StoreError, match="a file"):
        write(tmp_path / "thesis.doc")


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such store"):
        open_embedded(tmp_path / "none")
    with pytest.raises(StoreError, match="neither a store"):
        open_embedded(tmp_path)
    write(tmp_path / "store")
    (tmp_path / "store" / "manifest.json").unlink()
    with pytest.raises(StoreError, match=r"no manifest\.json: not a store, or never finished"):
        open_embedded(tmp_path / "store")
    (tmp_path / "store" / "manifest.json").write_text('{"version": 2}')
    with pytest.raises(StoreError, match="damaged"):
        open_embedded(tmp_path / "store")
    (tmp_path / "store" / "manifest.json").write_text('{"version": 99}')
    with pytest.raises(StoreError, match="not of version 2"):
        open_embedded(tmp_path / "store")


def test_damaged_shards_are_told_by_name(tmp_path: Path) -> None:
    write(tmp_path / "a", 200)
    shard = next((tmp_path / "a" / "data").iterdir())
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-100])
    with pytest.raises(StoreError, match=rf"{shard.name}: not the"):
        open_embedded(tmp_path / "a")
    flipped = bytearray(whole)
    flipped[200] ^= 0x40
    shard.write_bytes(flipped)
    with pytest.raises(StoreError, match=rf"{shard.name}: damaged"):
        list(open_embedded(tmp_path / "a").batches())
    shard.unlink()
    with pytest.raises(StoreError, match=rf"{shard.name}: missing"):
        open_embedded(tmp_path / "a")


def test_external_embeddings_are_read_from_a_file_or_a_folder(tmp_path: Path) -> None:
    table = pa.table(
        {"id": ["a", "b"], "embedding": pa.array([[1.0, 0.0], [0.0, 1.0]], pa.list_(pa.float64()))}
    )
    pq.write_table(table, tmp_path / "one.parquet")
    shutil.copy(tmp_path / "one.parquet", tmp_path / "two.parquet")
    one, both = open_embedded(tmp_path / "one.parquet"), open_embedded(tmp_path)
    assert (one.rows, one.dim, one.model) == (2, 2, None)
    assert both.rows == 4


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"name": ["a"], "embedding": [[1.0]]}, "no column 'id'"),
        ({"id": ["a"], "vector": [[1.0]]}, "no column 'embedding'"),
        ({"id": ["a"], "embedding": [1.0]}, "must be a list of floats"),
        ({"id": pa.array([], pa.string()), "embedding": pa.array([], pa.list_(pa.float32()))}, "no rows"),
    ],
)
def test_files_without_vectors_are_told(tmp_path: Path, columns: dict[str, object], told: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with pytest.raises(StoreError, match=told):
        open_embedded(tmp_path / "v.parquet")


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "v.parquet").write_text("id,embedding\n")
    with pytest.raises(StoreError, match=r"v\.parquet: not a readable Parquet file"):
        open_embedded(tmp_path)
