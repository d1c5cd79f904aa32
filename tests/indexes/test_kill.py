"""A writer killed at any line: what is served stays whole, and the next writer clears up and goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from itemsearch.indexes.errors import DamagedIndexError, NoVersionError
from itemsearch.indexes.storage.publish import prune, roll_back, staging, unpin
from itemsearch.indexes.storage.versions import (
    current_version,
    described_version,
    read_pointer,
    verify_version,
)

DYING_WRITER = """
import os, signal, sys
from pathlib import Path
from itemsearch.indexes.storage.publish import prune, roll_back, staging
from itemsearch.indexes.storage.versions import verify_version

root, job, fatal = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0

def dying(call):
    def counted(*arguments, **named):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return counted

for name in ("fsync", "rename", "mkdir", "unlink", "rmdir"):
    setattr(os, name, dying(getattr(os, name)))
if job == "publish":
    with staging(root) as stage:
        (stage.folder / "a.txt").write_text("new")
        (stage.folder / "b.txt").write_text("new")
        stage.publish({"said": "new"}, keep=2)
elif job == "rollback":
    roll_back(root, verify_version)
else:
    prune(root, 1)
"""


def publish(root: Path, text: str, keep: int = 2) -> int:
    with staging(root) as stage:
        for name in ("a.txt", "b.txt"):
            (stage.folder / name).write_text(text)
        return stage.publish({"said": text}, keep).number


def leave_what_killed_writers_leave(root: Path) -> None:
    orphan = root / "versions" / "00000004"
    shutil.copytree(root / "versions" / "00000003", orphan)
    shutil.copytree(orphan, root / "staging")
    (orphan / "a.txt").unlink()
    (root / "CURRENT.0123abcd.partial").write_text('{"poin')


def assert_whole(root: Path, served: set[str]) -> None:
    version = current_version(root)
    assert version.metadata["said"] in served
    assert {(version.folder / name).read_text() for name in ("a.txt", "b.txt")} == {version.metadata["said"]}
    pointer = read_pointer(root)
    for number in pointer.numbers:
        verify_version(described_version(root, pointer, number))


def assert_clean(root: Path) -> None:
    on_disk = sorted(int(path.name) for path in (root / "versions").iterdir())
    assert on_disk == read_pointer(root).numbers
    assert {path.name for path in root.iterdir()} == {"CURRENT", "versions", "write.lock"}


@pytest.mark.parametrize(
    ("job", "served", "steps"),
    [("publish", {"3", "new"}, 20), ("rollback", {"3", "2"}, 8), ("prune", {"3"}, 12)],
)
def test_killed_at_each_step(tmp_path: Path, job: str, served: set[str], steps: int) -> None:
    for text in ("1", "2", "3"):
        publish(tmp_path / "base", text, keep=3)
    leave_what_killed_writers_leave(tmp_path / "base")
    fatal, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        fatal += 1
        root = shutil.copytree(tmp_path / "base", tmp_path / str(fatal))
        arguments = [sys.executable, "-c", DYING_WRITER, str(root), job, str(fatal)]
        code = subprocess.run(arguments, check=False).returncode
        assert_whole(root, served)
        assert publish(root, "next") > max(read_pointer(tmp_path / "base").numbers)
        if read_pointer(root).pinned:
            unpin(root, verify_version)
        assert_whole(root, {"next"})
        assert_clean(root)
    assert code == 0
    assert fatal > steps


def test_the_first_version_killed_at_each_step(tmp_path: Path) -> None:
    fatal, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        fatal += 1
        root = tmp_path / str(fatal)
        arguments = [sys.executable, "-c", DYING_WRITER, str(root), "publish", str(fatal)]
        code = subprocess.run(arguments, check=False).returncode
        if (root / "CURRENT").exists():
            assert_whole(root, {"new"})
        publish(root, "next")
        assert_whole(root, {"next"})
        assert_clean(root)
    assert (code, fatal > 10) == (0, True)


def test_a_rollback_points_back_and_a_build_after_it_gets_a_new_number(tmp_path: Path) -> None:
    for text in ("1", "2", "3"):
        publish(tmp_path, text, keep=3)
    assert roll_back(tmp_path, verify_version).number == 2
    assert roll_back(tmp_path, verify_version).number == 1
    with pytest.raises(NoVersionError, match="no version before 1"):
        roll_back(tmp_path, verify_version)
    with pytest.raises(NoVersionError, match="no version 7; there is 1, 2, 3"):
        roll_back(tmp_path, verify_version, 7)
    assert roll_back(tmp_path, verify_version, 2).number == 2
    assert publish(tmp_path, "4") == 4
    assert publish(tmp_path, "5", keep=3) == 5
    assert (read_pointer(tmp_path).current, read_pointer(tmp_path).numbers) == (2, [2, 4, 5])
    with staging(tmp_path) as stage:  # the current version with other settings takes its place and its pin
        stage.link(current_version(tmp_path))
        assert stage.publish({"said": "2"}, 4, follows_current=True).number == 6
    assert publish(tmp_path, "7", keep=3) == 7
    assert (read_pointer(tmp_path).current, read_pointer(tmp_path).numbers) == (6, [5, 6, 7])
    assert unpin(tmp_path, verify_version).number == 7
    assert publish(tmp_path, "8") == 8
    assert (read_pointer(tmp_path).current, read_pointer(tmp_path).pinned) == (8, False)
    assert_clean(tmp_path)


def test_a_damaged_version_is_not_rolled_back_to(tmp_path: Path) -> None:
    for text in ("1", "2"):
        publish(tmp_path, text)
    (tmp_path / "versions" / "00000001" / "b.txt").write_text("x")
    with pytest.raises(DamagedIndexError, match=r"00000001/b\.txt: altered"):
        roll_back(tmp_path, verify_version)
    assert current_version(tmp_path).number == 2


def test_pruning_removes_the_oldest_but_never_the_current_and_no_number_comes_twice(tmp_path: Path) -> None:
    for text in "12345":
        publish(tmp_path, text, keep=5)
    roll_back(tmp_path, verify_version, 2)
    assert prune(tmp_path, 9) == []
    assert prune(tmp_path, 3) == [1, 3]
    assert prune(tmp_path, 1) == [4, 5]
    assert current_version(tmp_path).metadata["said"] == "2"
    assert_clean(tmp_path)
    assert publish(tmp_path, "6") == 6


def test_building_mends_a_damaged_pointer(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    pointer = (tmp_path / "CURRENT").read_bytes()
    for place in range(len(pointer)):
        (tmp_path / "CURRENT").write_bytes(
            pointer[:place] + bytes([pointer[place] ^ 1]) + pointer[place + 1 :]
        )
        with pytest.raises(DamagedIndexError, match="CURRENT: damaged"):
            current_version(tmp_path)
    with pytest.raises(DamagedIndexError, match="CURRENT: damaged"):
        prune(tmp_path, 1)
    assert publish(tmp_path, "2") == 2
    assert_whole(tmp_path, {"2"})
    assert_clean(tmp_path)


@pytest.mark.parametrize("limit", [2, 100, 300])  # cuts off a.txt, MANIFEST.json, CURRENT
def test_no_room_for_a_file(tmp_path: Path, limit: int) -> None:
    for text in ("1", "2", "3"):
        publish(tmp_path, text, keep=3)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from itemsearch.indexes.errors import DiskFullError\n"
        "from itemsearch.indexes.storage.publish import staging\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "try:\n"
        "    with staging(Path(sys.argv[1])) as stage:\n"
        "        (stage.folder / 'a.txt').write_text('new')\n"
        "        stage.publish({}, 9)\n"
        "except DiskFullError as error: print(error)\n"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path), str(limit)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "the disk is full ([Errno 27] File too large" in done.stdout
    assert_whole(tmp_path, {"3"})
    assert_clean(tmp_path)
