"""Publishes, rolls back and prunes the versions of an index folder; `versions` reads them.

    ROOT/write.lock                   locked by the one writer; the system frees it when the writer dies
    ROOT/staging/                     a version that is not published yet

Everything is flushed to the disk before the pointer names it: files, manifest, folder, rename, pointer, in
this order. A writer may die at any line: what it leaves is not a version, and the next writer removes it.
Versions that the pointer no longer lists are removed last; a reader that has one open keeps it, because its
files stay mapped.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from itemsearch.indexes.durable import only_writer, replace_file, sync, temporary_files
from itemsearch.indexes.errors import DamagedIndexError, NoVersionError
from itemsearch.indexes.storage.versions import (
    CURRENT,
    MANIFEST,
    FileStamp,
    Pointer,
    Version,
    described_version,
    read_pointer,
    sha256_of,
    version_folder,
)

KEEP_VERSIONS = 2
LOCK = "write.lock"
STAGING = "staging"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK)
"""What systems answer where a file cannot be linked: not at all, not here, or not once more."""


class Staging:
    """A folder to write a version into, which becomes a version when `publish` is called.

    shared: the bytes of files that are those of another version. copied: those of them that had to be copied.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.shared = 0
        self.copied = 0
        self._linked: dict[str, FileStamp] = {}

    def link(self, version: Version, leaving: Collection[str] = ()) -> None:
        """Shares the files of a published version, except those named in `leaving`, as `share` does."""
        self.share(version, version.files.keys() - set(leaving))

    def share(self, version: Version, names: Collection[str]) -> None:
        """Hard-links files of a published version, or copies them where the file system has no hard links.

        Published files are never written again, and a link stays when the other is removed. Their hashes are
        copied from their manifest, so that damage since then is still found.

        Raises:
            OSError: the disk is full.
        """
        for name in names:
            try:
                (self.folder / name).hardlink_to(version.folder / name)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                shutil.copyfile(version.folder / name, self.folder / name)
                sync(self.folder / name)
                self.copied += version.files[name].bytes
            self._linked[name] = version.files[name]
            self.shared += version.files[name].bytes

    def publish(
        self, metadata: Mapping[str, Any], keep: int = KEEP_VERSIONS, follows_current: bool = False
    ) -> Version:
        """Makes the folder a version, under a number that was never used before, and the current one unless
        another is pinned.

        The last `keep` versions stay, and the current one.

        Args:
            follows_current: the version is the current one but for settings, and takes its place and its pin.

        Raises:
            OSError: a file cannot be flushed or written.
        """
        paths = sorted(self.folder.iterdir())
        files = {path.name: self._linked.get(path.name) or _stamped(path) for path in paths}
        stamps = {name: asdict(stamp) for name, stamp in files.items()}
        manifest = json.dumps({"metadata": dict(metadata), "files": stamps}, indent=1).encode()
        replace_file(self.folder / MANIFEST, manifest)
        before = _pointer_to_follow(self.root)
        number = max(before.last, *_numbers_on_disk(self.root)) + 1
        folder = version_folder(self.root, number)
        folder.parent.mkdir(exist_ok=True)
        self.folder.rename(folder)
        sync(folder.parent)
        manifests = {**before.manifests, number: hashlib.sha256(manifest).hexdigest()}
        current = before.current if before.pinned and not follows_current else number
        pointer = Pointer(current, number, manifests, before.pinned)
        replace_file(self.root / CURRENT, pointer.keeping(keep).to_json())
        return Version(folder, number, metadata, files)


@contextmanager
def staging(root: Path) -> Iterator[Staging]:
    """Yields an empty folder inside `root`, and removes it at the end unless it was published.

    Raises:
        BusyError: another process is publishing into `root`.
        DiskFullError: there is no room for the version; the current one stays.
        DamagedIndexError: `root` is a file, or a folder of other files without an index.
    """
    if root.exists() and not root.is_dir():
        raise DamagedIndexError(f"{root}: a file; an index is a folder, give another --out")
    ours = {root / name for name in ("versions", LOCK, STAGING)} | set(temporary_files(root / CURRENT))
    if root.exists() and not (root / CURRENT).exists() and (foreign := sorted(set(root.iterdir()) - ours)):
        raise DamagedIndexError(f"{root}: holds {foreign[0].name}, which is no index's; give another --out")
    root.mkdir(parents=True, exist_ok=True)
    sync(root.parent)
    with _only_writer(root):
        folder = root / STAGING
        folder.mkdir()
        yield Staging(root, folder)


def roll_back(root: Path, check: Callable[[Version], object], number: int | None = None) -> Version:
    """Makes another version current, by default the one before, and pins it until `unpin`.

    Args:
        check: is called with the version first; its exception stops the rollback.

    Raises:
        NoVersionError: there is no such version.
        BusyError: another process is publishing into `root`.
        DamagedIndexError: there is no index, or files of the version are missing or cut short.
    """
    read_pointer(root)
    with _only_writer(root):
        pointer = read_pointer(root)
        older = [other for other in pointer.numbers if other < pointer.current]
        if number is None and not older:
            raise NoVersionError(f"{root}: no version before {pointer.current} to go back to")
        version = described_version(root, pointer, older[-1] if number is None else number)
        check(version)
        pointer = Pointer(version.number, pointer.last, pointer.manifests, pinned=True)
        replace_file(root / CURRENT, pointer.to_json())
        return version


def unpin(root: Path, check: Callable[[Version], object]) -> Version:
    """Makes the newest version current, and those that are published from now on.

    Args:
        check: is called with the version first; its exception leaves the pin.

    Raises:
        BusyError, DamagedIndexError: as `roll_back`.
    """
    read_pointer(root)
    with _only_writer(root):
        pointer = read_pointer(root)
        version = described_version(root, pointer, pointer.numbers[-1])
        check(version)
        pointer = Pointer(version.number, pointer.last, pointer.manifests)
        replace_file(root / CURRENT, pointer.to_json())
        return version


def prune(root: Path, keep: int) -> list[int]:
    """Removes the oldest versions until `keep` are left, the current one among them; returns their numbers.

    Raises:
        BusyError: another process is publishing into `root`.
        DamagedIndexError: there is no index.
    """
    read_pointer(root)
    with _only_writer(root):
        pointer = read_pointer(root)
        kept = pointer.keeping(keep)
        replace_file(root / CURRENT, kept.to_json())
        removed = [number for number in pointer.numbers if number not in kept.manifests]
        for number in removed:
            if (folder := version_folder(root, number)).exists():
                shutil.rmtree(folder)
        return removed


@contextmanager
def _only_writer(root: Path) -> Iterator[None]:
    """Holds the lock; at the start and at the end, removes all files that are not of a version.

    Raises:
        BusyError: another process holds the lock.
        DiskFullError: the body ran out of room.
    """
    with only_writer(root / LOCK, "index"):
        _clear_away(root)
        try:
            yield
        finally:
            _clear_away(root)


def _clear_away(root: Path) -> None:
    """Removes what unfinished writers left. What cannot be removed, such as a file that a reader has open on
    a network disk, is left to the next writer."""
    shutil.rmtree(root / STAGING, ignore_errors=True)
    for temporary in temporary_files(root / CURRENT):
        temporary.unlink()
    with suppress(DamagedIndexError):  # without a pointer, versions cannot be told from remains
        listed = read_pointer(root).manifests
        for number in _numbers_on_disk(root):
            if number not in listed:
                shutil.rmtree(version_folder(root, number), ignore_errors=True)


def _pointer_to_follow(root: Path) -> Pointer:
    """The pointer of `root`; an empty one if it is missing or damaged, because building again repairs it."""
    try:
        return read_pointer(root)
    except DamagedIndexError:
        return Pointer(0, 0, {})


def _numbers_on_disk(root: Path) -> list[int]:
    """The numbers of the folders in `versions`, and 0."""
    return [0, *(int(path.name) for path in (root / "versions").glob("*") if path.name.isdecimal())]


def _stamped(path: Path) -> FileStamp:
    """Flushes a file to the disk and returns its size and hash."""
    sync(path)
    return FileStamp(path.stat().st_size, sha256_of(path))
