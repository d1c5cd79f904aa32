"""An index folder: immutable versions, and a pointer to the current one that is replaced in one step.

    ROOT/versions/00000001/...        a version: its files, and MANIFEST.json with the hash of each
    ROOT/CURRENT                      which version readers open, and the hash of its manifest
    ROOT/write.lock                   held by the one writer, freed by the system when it dies
    ROOT/staging/                     what a writer has not published yet

Everything is on the disk before the pointer names it: files, manifest, folder, rename, pointer, in this
order, each with fsync. A reader that has a version open keeps it: its files stay mapped when it is removed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexes.errors import BusyError, DamagedIndexError, DiskFullError

KEEP_VERSIONS = 2
MANIFEST = "MANIFEST.json"
CURRENT = "CURRENT"


@dataclass(frozen=True, slots=True)
class Version:
    """A published version. `metadata` is what its writer said of it."""

    folder: Path
    number: int
    metadata: Mapping[str, Any]


class Staging:
    """A folder to write a version into; nothing is published unless `publish` is called."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self._linked: dict[str, dict[str, str | int]] = {}

    def link(self, version: Version, leaving: Collection[str] = ()) -> None:
        """Takes the files of a published version as they are, but for those named in `leaving`.

        They are one file in two folders: neither is ever written again, and one stays when the other goes.
        Their hashes are those of their own manifest, so that damage since then cannot pass for a new file.

        Raises:
            OSError: the file system has no hard links.
        """
        files = json.loads((version.folder / MANIFEST).read_text("utf-8"))["files"]
        for name in files.keys() - set(leaving):
            (self.folder / name).hardlink_to(version.folder / name)
            self._linked[name] = files[name]

    def publish(self, metadata: Mapping[str, Any]) -> Version:
        """Makes what is in the folder the current version, and removes all but the last `KEEP_VERSIONS`."""
        paths = sorted(self.folder.iterdir())
        files = {path.name: self._linked.get(path.name) or _described(path) for path in paths}
        manifest = json.dumps({"metadata": dict(metadata), "files": files}, indent=1).encode()
        _write_durably(self.folder / MANIFEST, manifest)
        _sync(self.folder)
        numbers = published_numbers(self.root)
        number = max(numbers, default=0) + 1
        folder = _version_folder(self.root, number)
        folder.parent.mkdir(exist_ok=True)
        self.folder.rename(folder)
        _sync(folder.parent)
        pointer = {"version": number, "manifest": hashlib.sha256(manifest).hexdigest()}
        _write_durably(self.root / f"{CURRENT}.tmp", json.dumps(pointer).encode())
        (self.root / f"{CURRENT}.tmp").rename(self.root / CURRENT)
        _sync(self.root)
        for old in sorted([*numbers, number])[:-KEEP_VERSIONS]:
            shutil.rmtree(_version_folder(self.root, old))
        return Version(folder, number, metadata)


@contextmanager
def staging(root: Path) -> Iterator[Staging]:
    """An empty folder inside `root`; removed at the end, by an exception too.

    Raises:
        BusyError: another process is publishing into `root`.
        DiskFullError: there is no room for the version; the current one stays.
        DamagedIndexError: `root` is a file, or holds something that is no index.
    """
    if root.exists() and not root.is_dir():
        raise DamagedIndexError(f"{root}: a file; an index is a folder, give another --out")
    ours = {"versions", CURRENT, f"{CURRENT}.tmp", "write.lock", "staging"}
    foreign = sorted(path.name for path in root.iterdir() if path.name not in ours) if root.exists() else []
    if foreign:
        raise DamagedIndexError(f"{root}: holds {foreign[0]}, which is no index's; give another --out")
    root.mkdir(parents=True, exist_ok=True)
    with (root / "write.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{root}: another process is building this index; wait for it") from None
        folder = root / "staging"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield Staging(root, folder)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFullError(f"{root}: the disk is full; nothing was published, make room") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def current_version(root: Path) -> Version:
    """The version that readers open. Its files are checked by size: hashing them is `verify_version`'s.

    Raises:
        DamagedIndexError: no index, or one whose files are missing or cut short.
    """
    if not root.is_dir():
        raise DamagedIndexError(f"{root}: no such index; make one with itemsearch index build")
    try:
        pointer = json.loads((root / CURRENT).read_text("utf-8"))
        number, expected = int(pointer["version"]), str(pointer["manifest"])
    except FileNotFoundError:
        raise DamagedIndexError(f"{root}: no {CURRENT}: not an index, or never finished; build it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(f"{root / CURRENT}: damaged ({error}); build the index again") from error
    folder = _version_folder(root, number)
    try:
        manifest = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise DamagedIndexError(f"{folder / MANIFEST}: {error.strerror}; build the index again") from error
    if hashlib.sha256(manifest).hexdigest() != expected:
        raise DamagedIndexError(f"{folder / MANIFEST}: altered since it was published; build the index again")
    held = json.loads(manifest)
    for name, described in held["files"].items():
        _check_size(folder / name, int(described["bytes"]))
    return Version(folder, number, held["metadata"])


def verify_version(version: Version) -> None:
    """Hashes every file of a version.

    Raises:
        DamagedIndexError: names the first file that is not what was published.
    """
    files = json.loads((version.folder / MANIFEST).read_text("utf-8"))["files"]
    for name, described in files.items():
        path = version.folder / name
        _check_size(path, int(described["bytes"]))
        if _sha256(path) != described["sha256"]:
            raise DamagedIndexError(f"{path}: altered since it was published; build the index again")


def published_numbers(root: Path) -> list[int]:
    """The versions that are there, oldest first."""
    return sorted(int(path.name) for path in (root / "versions").glob("[0-9]*"))


def _version_folder(root: Path, number: int) -> Path:
    return root / "versions" / f"{number:08d}"


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise DamagedIndexError(f"{path}: missing; build the index again")
    if (size := path.stat().st_size) != expected:
        raise DamagedIndexError(f"{path}: {size:,} bytes instead of {expected:,}; build the index again")


def _described(path: Path) -> dict[str, str | int]:
    _sync(path)
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """fsync of a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
