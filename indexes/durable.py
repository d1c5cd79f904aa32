"""Durable files: atomic replacement, fsync, and the lock that admits one writer to a folder.

A file that replaces another is written under a temporary name in the same folder, flushed to the disk with
fsync, and renamed; the folder is flushed last. A reader sees the old file or the new one, never a part of
one, after a crash of the machine too. What a killed writer leaves ends in `.partial`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from itemsearch.indexes.errors import BusyError, DiskFullError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; the file written there replaces `path` in one step.

    The temporary name is unique, so that two writers of one path do not write into one file. An exception
    removes the temporary file and leaves `path` as it was.

    Raises:
        OSError: the file cannot be flushed or renamed; `path` is as it was, unless it was the folder's own
            flush that failed, after the rename.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield temporary
        with naming(path):
            sync(temporary)
            temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file in one step, durably.

    Raises:
        OSError: the disk is full, or the file cannot be written; the error names `path`.
    """
    with replacing(path) as temporary, naming(path):
        temporary.write_bytes(content)


def temporary_files(path: Path) -> list[Path]:
    """What killed writers of `path` left beside it. Only who holds the folder's lock may remove them."""
    return sorted(path.parent.glob(f"{path.name}.*partial"))


def sync(path: Path) -> None:
    """fsync of a file or a folder.

    Raises:
        OSError: it failed; the error names `path`.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds `path` to an OSError: the system names no file where a write or an fsync fails."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def only_writer(path: Path, written: str) -> Iterator[None]:
    """Holds an exclusive lock (flock) on `path`: a folder, or a file, which is made if there is none.

    The system frees the lock when the process dies, so no lock is ever stale.

    Args:
        written: what the folder is, for the messages, such as "index".

    Raises:
        BusyError: another process holds the lock.
        DiskFullError: the body raised an OSError for want of room.
    """
    is_folder = path.is_dir()
    folder = path if is_folder else path.parent
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, folder, written)
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise DiskFullError(f"{folder}: the disk is full ({error}); nothing changed, make room") from error
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, written: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(f"{folder}: another process is writing to this {written}; wait for it") from None
