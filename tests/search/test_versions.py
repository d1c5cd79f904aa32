"""Versions are listed, verified, gone back to and removed; one that fails its checks is never published."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.seeded_stores import ROWS, served_seed, vectors_of, write_vectors

from itemsearch.cli.app import main
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.storage.versions import current_version
from itemsearch.search import build, verify
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.search.versions import list_versions, prune_index, roll_back_index, verify_index

CPU = IndexConfig("cpu")


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    return [write_vectors(tmp_path, seed) for seed in range(3)]


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process: exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["itemsearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


def test_a_flipped_byte_in_any_file_is_told_by_name(tmp_path: Path, run: Run) -> None:
    index = tmp_path / "index"
    assert build_index_folder(write_vectors(tmp_path, 0, 10_000), index, CPU).kind == "ivfpq"
    code, out, _ = run("index", "verify", index)
    assert (code, "10,000 rows, 1,000 ids found by their own vectors" in out) == (0, True)
    folder = current_version(index).folder
    files = [index / "CURRENT", *sorted(folder.iterdir())]
    assert {"index.faiss", "listings.arrow", "MANIFEST.json"} <= {path.name for path in files}
    for path in files:
        whole = path.read_bytes()
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, out, told = run("index", "verify", index, "--json")
        assert (code, out) == (1, "")
        assert told.startswith(f"itemsearch: error: {path}: ")
        assert told.count("\n") == 1
        path.write_bytes(whole)
    assert json.loads(run("index", "verify", index, "--all", "--json")[1])["ids"] == 10_000


def test_versions_from_the_command_line(stores: list[Path], tmp_path: Path, run: Run) -> None:
    index = tmp_path / "index"
    for store in stores:
        assert run("index", "build", store, "--out", index, "--keep", 3)[0] == 0
    listed = json.loads(run("index", "list", index, "--json")[1])["versions"]
    assert [(version["version"], version["current"]) for version in listed] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert {(version["rows"], version["spec"], version["damage"]) for version in listed} == {
        (ROWS, "Flat", "")
    }
    assert run("index", "rollback", index)[1].startswith("version 2 of ")
    assert served_seed(index) == 1
    assert json.loads(run("index", "rollback", index, "--to", 1, "--json")[1])["version"] == 1
    assert served_seed(index) == 0
    assert json.loads(run("index", "verify", index, "--version", 3, "--json")[1])["version"] == 3
    pruned = json.loads(run("index", "prune", index, "--keep", 2, "--json")[1])
    assert (pruned["removed"], pruned["kept"], pruned["freed_bytes"] > 0) == ([2], [1, 3], True)
    assert json.loads(run("index", "build", stores[1], "--out", index, "--json")[1])["version"] == 4
    assert [version.version for version in list_versions(index)] == [1, 4]
    shown = run("index", "list", index)[1].splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["1", "4"]
    assert shown[1].rstrip().endswith("current, pinned")
    assert run("index", "unpin", index)[1].startswith("version 4 of ")
    assert served_seed(index) == 1
    assert run("index", "list", index)[1].splitlines()[2].rstrip().endswith("current")
    for told in (run("index", "verify", index, "--version", 3), run("index", "rollback", index, "--to", 3)):
        assert told == (1, "", f"itemsearch: error: {index}: no version 3; there is 1, 4\n")
    assert run("index", "prune", index, "--keep", 0)[0] == 2
    assert run("index", "build", stores[1], "--out", index, "--keep", 0)[0] == 2
    for command in (("list",), ("verify",), ("rollback",), ("prune", "--keep", 1)):
        assert f"Example: itemsearch index {command[0]} index" in run("index", command[0], "--help")[1]
        code, _, told = run("index", *command, tmp_path / "none")
        assert (code, "no such index" in told, (tmp_path / "none").exists()) == (1, True, False)


def test_a_version_cut_short_is_listed_as_such_and_not_gone_back_to(
    stores: list[Path], tmp_path: Path
) -> None:
    index = tmp_path / "index"
    for store in stores:
        build_index_folder(store, index, IndexConfig(keep=3))
    vectors = index / "versions" / "00000002" / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1])
    first, second, third = list_versions(index)
    assert "00000002/vectors.npy: " in second.damage
    assert (first.damage, third.damage, third.current) == ("", "", True)
    with pytest.raises(IndexFolderError, match=r"00000002/vectors\.npy"):
        roll_back_index(index)
    shutil.rmtree(vectors.parent)
    assert "00000002/MANIFEST.json: No such file" in list_versions(index)[1].damage
    assert served_seed(index) == 2
    assert prune_index(index, 1).kept == (3,)


def spoil_vectors(folder: Path) -> None:
    vectors = np.load(folder / "vectors.npy")
    np.save(folder / "vectors.npy", vectors[::-1])


def spoil_lists(folder: Path) -> None:
    others = np.load(folder / "vectors.npy")[::-1].copy()
    faiss.write_index(build_index(others, None, "cpu").index, str(folder / "index.faiss"))


def spoil_ids(folder: Path) -> None:
    np.save(folder / "id_order.npy", np.load(folder / "id_order.npy")[::-1])


def lose_ids(folder: Path) -> None:
    np.save(folder / "id_order.npy", np.load(folder / "id_order.npy")[:-1])


def spoil_listings(folder: Path) -> None:
    (folder / "listings.arrow").write_bytes(b"no table")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_vectors, "of 1,000 ids do not find themselves"),
        (spoil_lists, "of 1,000 ids do not find themselves"),
        (spoil_ids, "is not where it is looked for"),
        (lose_ids, "9,999 ids instead of 10,000"),
        (spoil_listings, r"listings\.arrow: damaged"),
    ],
)
def test_a_version_that_fails_its_checks_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, spoil: Callable[[Path], None], told: str
) -> None:
    index = tmp_path / "index"
    build_index_folder(write_vectors(tmp_path, 0), index, CPU)
    build_files = build.build_files

    def build_and_spoil(folder: Path, *parts: Any) -> Mapping[str, float]:
        seconds = build_files(folder, *parts)
        spoil(folder)
        return seconds

    monkeypatch.setattr(build, "build_files", build_and_spoil)
    large = write_vectors(tmp_path, 1, 10_000)
    with pytest.raises(GateError, match=told):
        build_index_folder(large, index, CPU)
    code, out, error = run("index", "build", large, "--out", index, "--device", "cpu", "--json")
    assert (code, out, error.count("\n")) == (4, "", 1)
    assert error.startswith("itemsearch: error: not published, what was current stays: ")
    assert served_seed(index) == 0
    assert [version.version for version in list_versions(index)] == [1]
    assert not (index / "staging").exists()


def test_a_guard_is_asked_before_a_version_is_published(stores: list[Path], tmp_path: Path) -> None:
    def refuse_seed_1(folder: Path, metadata: Mapping[str, Any]) -> None:
        assert (folder / "vectors.npy").exists()
        if metadata["store"] == os.path.relpath(stores[1], index):
            raise GateError("not tonight")

    index = tmp_path / "index"
    build_index_folder(stores[0], index, guards=[refuse_seed_1])
    with pytest.raises(GateError, match="not tonight"):
        build_index_folder(stores[1], index, guards=[refuse_seed_1])
    assert served_seed(index) == 0


def test_crowds_of_near_equal_vectors_pass(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = vectors_of(0, 20)
    vectors = centres[np.arange(12_000) % 20] + 0.001 * rng.standard_normal((12_000, 4), np.float32)
    table = pa.table({"id": [str(row) for row in range(12_000)], "embedding": list(vectors)})
    pq.write_table(table, tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index", IndexConfig("cpu", "IVF16,PQ1"))
    assert verify_index(tmp_path / "index").ids == verify.SAMPLE_ROWS


def test_the_manifest_tells_where_a_version_comes_from(stores: list[Path], tmp_path: Path) -> None:
    build_index_folder(stores[0], tmp_path / "index")
    held = current_version(tmp_path / "index").metadata
    store = os.path.relpath(stores[0], tmp_path / "index")
    assert (held["rows"], held["spec"], held["store"]) == (ROWS, "Flat", store)
    assert read_summary(tmp_path / "index").store == str(stores[0])
    assert set(held["libraries"]) == {"itemsearch", "faiss", "numpy", "pyarrow", "python"}
    assert read_summary(tmp_path / "index").libraries == held["libraries"]
