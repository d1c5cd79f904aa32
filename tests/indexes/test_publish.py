from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from itemsearch.indexes.errors import BusyError, DamagedIndexError, DiskFullError
from itemsearch.indexes.storage.publish import staging
from itemsearch.indexes.storage.versions import current_version, read_pointer, verify_version


def publish(root: Path, text: str) -> None:
    with staging(root) as stage:
        (stage.folder / "a.txt").write_text(text)
        stage.publish({"said": text})


def test_the_current_version_is_the_last_published(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    publish(tmp_path, "two")
    version = current_version(tmp_path)
    assert (version.number, version.metadata["said"]) == (2, "two")
    assert (version.folder / "a.txt").read_text() == "two"
    verify_version(version)


def test_old_versions_go_but_an_open_file_stays_readable(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    with (current_version(tmp_path).folder / "a.txt").open() as reader:
        for text in ("two", "three"):
            publish(tmp_path, text)
        assert read_pointer(tmp_path).numbers == [2, 3]
        assert reader.read() == "one"


def start_and_fail(root: Path, error: type[BaseException]) -> None:
    with staging(root) as stage:
        (stage.folder / "a.txt").write_text("half")
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_publishes_nothing_and_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    publish(tmp_path, "one")
    with pytest.raises(error):
        start_and_fail(tmp_path, error)
    assert current_version(tmp_path).metadata["said"] == "one"
    assert not (tmp_path / "staging").exists()


def test_a_full_disk_is_told_and_leaves_the_old_version(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    with pytest.raises(DiskFullError, match="disk is full"), staging(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), staging(tmp_path):
        raise PermissionError("something else")
    assert current_version(tmp_path).metadata["said"] == "one"
    assert not (tmp_path / "staging").exists()


def test_a_killed_writer_leaves_the_old_version_and_its_lock_is_free(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    script = (
        "import sys, time; from pathlib import Path; from itemsearch.indexes.storage.publish import staging\n"
        "with staging(Path(sys.argv[1])) as stage:\n"
        "    (stage.folder / 'a.txt').write_text('half'); print('in', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "in\n"
        with pytest.raises(BusyError, match="another process"), staging(tmp_path):
            pass
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    assert current_version(tmp_path).metadata["said"] == "one"
    for _ in range(50):  # the system frees the lock as it buries the process
        try:
            publish(tmp_path, "two")
            break
        except BusyError:
            time.sleep(0.1)
    assert current_version(tmp_path).metadata["said"] == "two"
    assert (current_version(tmp_path).folder / "a.txt").read_text() == "two"


def test_damage_is_told_by_file(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    version = current_version(tmp_path)
    (version.folder / "a.txt").write_text("0ne")
    current_version(tmp_path)
    with pytest.raises(DamagedIndexError, match=r"a\.txt: altered"):
        verify_version(version)
    (version.folder / "a.txt").write_text("on")
    with pytest.raises(DamagedIndexError, match=r"a\.txt: 2 bytes instead of 3"):
        current_version(tmp_path)
    (version.folder / "a.txt").unlink()
    with pytest.raises(DamagedIndexError, match=r"a\.txt: missing"):
        current_version(tmp_path)
    (version.folder / "MANIFEST.json").write_text("{}")
    with pytest.raises(DamagedIndexError, match=r"MANIFEST\.json: altered"):
        current_version(tmp_path)


def test_what_is_no_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(DamagedIndexError, match="no such index"):
        current_version(tmp_path / "none")
    with pytest.raises(DamagedIndexError, match="not an index, or never finished"):
        current_version(tmp_path)
    (tmp_path / "CURRENT").write_text("{")
    with pytest.raises(DamagedIndexError, match="CURRENT: damaged"):
        current_version(tmp_path)


def test_a_folder_of_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(DamagedIndexError, match=r"holds thesis\.doc"), staging(tmp_path):
        pass
    with pytest.raises(DamagedIndexError, match="a file"), staging(tmp_path / "thesis.doc"):
        pass


def test_a_version_can_share_the_files_of_another(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    first = current_version(tmp_path)
    with staging(tmp_path) as stage:
        stage.link(first, leaving=["b.txt"])
        (stage.folder / "b.txt").write_text("tuned")
        second = stage.publish({"said": "two"})
    assert (second.folder / "a.txt").samefile(first.folder / "a.txt")
    verify_version(current_version(tmp_path))
    verify_version(first)
    with staging(tmp_path) as stage:  # what the current version adds is left, not written through the link
        stage.link(second, leaving=["b.txt"])
        (stage.folder / "b.txt").write_text("tuned again")
        third = stage.publish({"said": "three"})
    assert read_pointer(tmp_path).numbers == [2, 3]
    assert (second.folder / "b.txt").read_text() == "tuned"
    publish(tmp_path, "four")
    publish(tmp_path, "five")
    assert not second.folder.exists()
    assert not third.folder.exists()


def test_damage_is_not_blessed_by_sharing(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    first = current_version(tmp_path)
    (first.folder / "a.txt").write_text("0ne")
    with staging(tmp_path) as stage:
        stage.link(first)
        stage.publish({"said": "two"})
    with pytest.raises(DamagedIndexError, match=r"a\.txt: altered"):
        verify_version(current_version(tmp_path))
