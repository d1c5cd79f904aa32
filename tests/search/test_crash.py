"""Real indexes, rebuilt while their writers are killed, read from, and out of room."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.seeded_stores import expected_hits, served_seed, write_vectors

from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.versions import list_versions, unpin_index, verify_index

PYTHON = (sys.executable, "-c")

KILLED_WRITERS = """
import itertools, os, signal, sys, time
from pathlib import Path
from itemsearch.errors import IndexFolderError
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.versions import prune_index, roll_back_index, unpin_index

index, *stores = map(Path, sys.argv[1:])

def write_for_ever():
    for number in itertools.count():
        version = build_index_folder(stores[number % len(stores)], index, IndexConfig("cpu", keep=3)).version
        if number % 3 == 1:
            unpin_index(index)  # an earlier writer may have died on the oldest version
            roll_back_index(index)
        if number % 3 == 2:
            unpin_index(index)
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
                unpin_index(index)
                newest = max(version.version for version in list_versions(index))
                assert build_index_folder(stores[1], index, IndexConfig(keep=1)).version > newest
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
            build_index_folder(stores[number % 3], index, IndexConfig(keep=1))
    finally:
        stop.touch()
        told = [reader.communicate()[0] for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * 4
    assert all(json.loads(line)["seen"] > 1 for line in told), told


def test_a_full_disk_is_one_line_and_the_old_version_serves(stores: list[Path], tmp_path: Path) -> None:
    index, limits = tmp_path / "index", ("100", "700", "3000", "100000")
    build_index_folder(stores[0], index)
    script = (
        "import os, resource, signal, sys; from itemsearch.cli.app import main\n"
        "import itemsearch.search.build\n"
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
