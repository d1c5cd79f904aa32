from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.vectors import clustered

from itemsearch import Engine
from itemsearch.indexes.storage.versions import current_version
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.search.versions import prune_index, roll_back_index, unpin_index, verify_index

ROWS = 300
HALF = IndexConfig(keep=3, dtype="float16")


def picture(seed: int) -> bytes | None:
    """Bytes of any length: none, few that stand in their view, or many."""
    rng = np.random.default_rng(seed)
    return None if seed % 11 == 0 else rng.bytes([0, 5, 12, 13, 400][seed % 5])


def table(changed: frozenset[int] = frozenset(), gone: frozenset[int] = frozenset()) -> pa.Table:
    rows = [row for row in range(ROWS) if row not in gone]
    vectors, others = clustered(ROWS, 16), clustered(ROWS, 16, seed=9)
    seeds = [row + ROWS * (row in changed) for row in rows]
    return pa.table(
        {
            "id": [f"i{row:04d}" for row in rows],
            "thumbnail": pa.array(map(picture, seeds), pa.binary()),
            "brand": [f"b{seed}" for seed in seeds],
            "embedding": [(others if row in changed else vectors)[row].tolist() for row in rows],
        }
    )


def build(source: pa.Table, index: Path, config: IndexConfig = HALF) -> Engine:
    path = index.with_suffix(".parquet")
    pq.write_table(source, path)
    build_index_folder(path, index, config)
    return Engine.open(index)


def assert_holds(engine: Engine, source: pa.Table) -> None:
    for name in ("id", "thumbnail", "brand"):
        assert engine.listings[name].to_pylist() == source[name].to_pylist()
    stored = np.array(source["embedding"].to_pylist(), np.float32)
    np.testing.assert_allclose(engine.vectors[:], stored, atol=5e-4)


def blocks(folder: Path) -> dict[int, int]:
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {stat.st_ino: stat.st_size for stat in stats}


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = table()
    assert_holds(build(first, index), first)
    before = blocks(index)
    second = table(changed=frozenset({3, 70, 71}), gone=frozenset({0, 200}))
    engine = build(second, index)
    assert_holds(engine, second)
    shared = sorted(
        path.name for path in (index / "versions/00000002").iterdir() if path.stat().st_ino in before
    )
    assert shared == ["pictures-0.bin", "vectors.npy"]
    assert "bytes of version 1" in read_summary(index).shared
    assert [verify_index(index, number, every=True).ids for number in (1, 2)] == [300, 298]
    alone = build(second, tmp_path / "alone")
    for id in ("i0003", "i0001", "i0299"):
        assert engine.search(id=id).hits == alone.search(id=id).hits


def test_files_outlive_the_versions_that_wrote_them(tmp_path: Path) -> None:
    index = tmp_path / "index"
    versions = [table(changed=frozenset(range(night * 4))) for night in range(5)]
    for source in versions:
        build(source, index)
    assert prune_index(index, 2).kept == (4, 5)
    assert_holds(Engine.open(index), versions[4])
    verify_index(index)
    roll_back_index(index)
    assert_holds(Engine.open(index), versions[3])
    unpin_index(index)
    assert_holds(build(versions[1], index), versions[1])
    assert verify_index(index, every=True).version == 6


def test_a_damaged_file_is_not_shared(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(table(), index)
    vectors = index / "versions/00000001/vectors.npy"
    spoilt = bytearray(vectors.read_bytes())
    spoilt[-40] ^= 1
    vectors.write_bytes(spoilt)
    assert_holds(build(table(), index), table())
    assert "altered since" in read_summary(index).shared
    verify_index(index)


def test_where_there_are_no_hard_links_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no hard links")

    index = tmp_path / "index"
    build(table(), index)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert_holds(build(table(), index), table())
    assert "were copied, as the disk has no hard links" in read_summary(index).shared
    assert not (index / "versions/00000002/vectors.npy").samefile(index / "versions/00000001/vectors.npy")
    verify_index(index)


def test_the_number_format_is_the_sources_unless_another_is_asked_for(tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert build(table(), index, IndexConfig()).summary.dtype == "float32"
    assert build(table(), index).summary.dtype == "float16"
    assert "nothing" not in read_summary(index).shared  # the pictures are shared all the same
    halves = table().set_column(3, "embedding", table()["embedding"].cast(pa.list_(pa.float16())))
    assert build(halves, index, IndexConfig()).summary.dtype == "float16"
    described = json.loads((current_version(index).folder / "index.json").read_text())
    assert described["dtype"] == "float16"
    assert build(halves, index, IndexConfig(spec="Flat")).summary.dtype == "float32"
