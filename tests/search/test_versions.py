"""Real indexes, rebuilt while they are killed, read, damaged and out of room."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.app import main
from indexes.versions import current_version
from itemsearch import Engine
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.search import build, verify
from itemsearch.search.build import build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.search.versions import list_versions, prune_index, roll_back_index, verify_index

ROWS = 40
PYTHON = (sys.executable, "-W", "error", "-c")

KILLED_WRITERS = """
import itertools, os, signal, sys, time
from pathlib import Path
from itemsearch.errors import IndexFolderError
from itemsearch.search.build import build_index_folder
from itemsearch.search.versions import prune_index, roll_back_index

index, *stores = map(Path, sys.argv[1:])

def write_for_ever():
    for number in itertools.count():
        version = build_index_folder(stores[number % len(stores)], index, "cpu", keep=3).version
        if number % 3 == 1:
            roll_back_index(index)
        if number % 3 == 2:
            prune_index(index, 1)

for line in sys.stdin:
    writer = os.fork()
    if not writer:
        try:
            write_for_ever()
        finally:
            os._exit(1)
    time.sleep(float(line))
    os.kill(writer, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]), flush=True)
"""

READER = """
import json, sys
from pathlib import Path
from itemsearch import Engine

index, stop, expected = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])

def ask(engine):
    hits = engine.search(id="7", k=5).hits
    (title,) = {hit.title for hit in hits}
    assert [hit.id for hit in hits] == expected[title], (title, hits)
    return title

first, seen, opened = Engine.open(index), set(), 0
kept = ask(first)
print("ready", flush=True)
while not stop.exists():
    seen.add(ask(Engine.open(index)))
    assert ask(first) == kept
    opened += 1
print(json.dumps({"opened": opened, "seen": len(seen)}))
"""


def vectors_of(seed: int, rows: int = ROWS) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, 4), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_vectors(folder: Path, seed: int, rows: int = ROWS) -> Path:
    """Every title says the seed, so that an answer says which version it comes from."""
    path = folder / f"{seed}.parquet"
    ids, titles = [str(row) for row in range(rows)], [f"seed {seed}"] * rows
    pq.write_table(pa.table({"id": ids, "title": titles, "embedding": list(vectors_of(seed, rows))}), path)
    return path


def expected_hits(seed: int) -> list[str]:
    vectors = vectors_of(seed)
    return [str(row) for row in np.argsort(-(vectors @ vectors[7])) if row != 7][:5]


def served_seed(index: Path) -> int:
    """Of the version that is served, once its answer is that of its vectors."""
    hits = Engine.open(index).search(id="7", k=5).hits
    seed = int(hits[0].title.removeprefix("seed "))
    assert [hit.id for hit in hits] == expected_hits(seed)
    assert {hit.title for hit in hits} == {f"seed {seed}"}
    return seed


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    return [write_vectors(tmp_path, seed) for seed in range(3)]


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_writers_killed_at_random_leave_a_whole_index(stores: list[Path], tmp_path: Path, kills: int) -> None:
    index, rng = tmp_path / "index", random.Random(kills)
    build_index_folder(stores[0], index)
    arguments = [*PYTHON, KILLED_WRITERS, str(index), *map(str, stores)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for kill in range(kills):
            print(rng.uniform(0.0, 0.3), file=writers.stdin, flush=True)
            assert int(writers.stdout.readline()) == -signal.SIGKILL
            served_seed(index)
            verify_index(index)
            assert not [version for version in list_versions(index) if version.damage]
            if kill % 5 == 0:
                newest = max(version.version for version in list_versions(index))
                assert build_index_folder(stores[1], index, keep=1).version > newest
                assert served_seed(index) == 1
                assert len(list((index / "versions").iterdir())) == 1
        writers.stdin.close()
        assert writers.wait() == 0


def test_readers_see_whole_versions_while_a_writer_publishes(stores: list[Path], tmp_path: Path) -> None:
    index, stop = tmp_path / "index", tmp_path / "stop"
    build_index_folder(stores[0], index)
    expected = json.dumps({f"seed {seed}": expected_hits(seed) for seed in range(3)})
    arguments = [*PYTHON, READER, str(index), str(stop), expected]
    readers = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        assert [reader.stdout.readline() for reader in readers if reader.stdout] == ["ready\n"] * 4
        for number in range(1, 21):
            build_index_folder(stores[number % 3], index, keep=1)
    finally:
        stop.touch()
        told = [reader.communicate()[0] for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * 4
    assert all(json.loads(line)["seen"] > 1 for line in told), told


def test_a_full_disk_is_one_line_and_the_old_version_serves(stores: list[Path], tmp_path: Path) -> None:
    index, limits = tmp_path / "index", ("100", "700", "3000", "100000")
    build_index_folder(stores[0], index)
    script = (
        "import os, resource, signal, sys; from cli.app import main; import itemsearch.search.build\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for limit in map(int, sys.argv[3:]):\n"
        "    if not os.fork():\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "        sys.argv = ['itemsearch', 'index', 'build', sys.argv[1], '--out', sys.argv[2]]; main()\n"
        "    assert os.waitstatus_to_exitcode(os.wait()[1]) == 1\n"
    )
    arguments = [*PYTHON, script, str(stores[1]), str(index), *limits]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == len(limits), done.stderr
    assert all(f"itemsearch: error: {index}: the disk is full (" in line for line in lines), done.stderr
    assert served_seed(index) == 0
    assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "versions", "write.lock"]
    assert len(list_versions(index)) == 1


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
    assert build_index_folder(write_vectors(tmp_path, 0, 10_000), index, "cpu").kind == "ivfpq"
    code, out, _ = run("index", "verify", index)
    assert (code, "10,000 rows, 1,000 ids looked for and found" in out) == (0, True)
    folder = current_version(index).folder
    files = [index / "CURRENT", *sorted(folder.iterdir())]
    assert {"index.faiss", "products.arrow", "MANIFEST.json"} <= {path.name for path in files}
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
    assert shown[2].rstrip().endswith("current")
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
        build_index_folder(store, index, keep=3)
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


def spoil_ids(folder: Path) -> None:
    np.save(folder / "id_order.npy", np.load(folder / "id_order.npy")[::-1])


def lose_ids(folder: Path) -> None:
    np.save(folder / "id_order.npy", np.load(folder / "id_order.npy")[:-1])


def spoil_products(folder: Path) -> None:
    (folder / "products.arrow").write_bytes(b"no table")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_vectors, "of 1,000 ids do not find themselves"),
        (spoil_ids, "is not where it is looked for"),
        (lose_ids, "9,999 ids instead of 10,000"),
        (spoil_products, r"products\.arrow: damaged"),
    ],
)
def test_a_version_that_fails_its_checks_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, spoil: Callable[[Path], None], told: str
) -> None:
    index = tmp_path / "index"
    build_index_folder(write_vectors(tmp_path, 0), index, "cpu")
    save_index = build.save_index

    def save_and_spoil(folder: Path, *parts: object) -> None:
        save_index(folder, *parts)
        spoil(folder)

    monkeypatch.setattr(build, "save_index", save_and_spoil)
    large = write_vectors(tmp_path, 1, 10_000)
    with pytest.raises(GateError, match=told):
        build_index_folder(large, index, "cpu")
    code, out, error = run("index", "build", large, "--out", index, "--device", "cpu", "--json")
    assert (code, out, error.count("\n")) == (4, "", 1)
    assert error.startswith("itemsearch: error: not published, what was current stays: ")
    assert served_seed(index) == 0
    assert [version.version for version in list_versions(index)] == [1]
    assert not (index / "staging").exists()


def test_crowds_of_near_equal_vectors_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    centres = vectors_of(0, 20)
    vectors = centres[np.arange(12_000) % 20] + 0.001 * rng.standard_normal((12_000, 4), np.float32)
    table = pa.table({"id": [str(row) for row in range(12_000)], "embedding": list(vectors)})
    pq.write_table(table, tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index", "cpu", "IVF16,PQ1")
    assert verify_index(tmp_path / "index").ids == verify.SAMPLE_ROWS


def test_the_manifest_tells_where_a_version_comes_from(stores: list[Path], tmp_path: Path) -> None:
    build_index_folder(stores[0], tmp_path / "index")
    held = current_version(tmp_path / "index").metadata
    assert (held["rows"], held["spec"], held["store"]) == (ROWS, "Flat", str(stores[0]))
    assert set(held["libraries"]) == {"itemsearch", "faiss", "numpy", "pyarrow", "python"}
    assert read_summary(tmp_path / "index").libraries == held["libraries"]
