"""Files are replaced in one step or not at all, and one process writes at a time."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from itemsearch.indexes.durable import only_writer, replace_file, replacing, temporary_files
from itemsearch.indexes.errors import BusyError, DiskFullError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    for content in (b"one", b"two"):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert temporary_files(path) == [temporary]
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file.json"
    replace_file(path, b"old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_fsync_that_fails_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    replace_file(path, b"old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"file\.json'$"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", "lock"])
def test_the_lock_of_a_folder_or_a_file_admits_one_writer(tmp_path: Path, name: str) -> None:
    with (
        only_writer(tmp_path / name, "index"),
        pytest.raises(BusyError, match="writing to this index"),
        only_writer(tmp_path / name, "index"),
    ):
        pass
    with only_writer(tmp_path / name, "index"):
        pass


def test_no_room_is_told_and_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="the disk is full"), only_writer(tmp_path, "store"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(BlockingIOError), only_writer(tmp_path, "store"):
        raise BlockingIOError(errno.EAGAIN, "of the body")
