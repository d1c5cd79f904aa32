"""Reads the versions of an index folder, which are immutable, and the pointer that lists them.

    ROOT/versions/00000001/...        a version: its files, and MANIFEST.json with the hash of each
    ROOT/CURRENT                      the pointer: the versions, the hash of each manifest, the current one

CURRENT is replaced in one step, so every change of an index folder happens completely or not at all. A folder
in `versions` that CURRENT does not list is not a version: it was never published, or is being removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from itemsearch.indexes.errors import DamagedIndexError, NoVersionError, VectorIndexError

MANIFEST = "MANIFEST.json"
CURRENT = "CURRENT"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileStamp:
    """The size and the hash of a file, as a manifest records them."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of an index. metadata: as its writer passed it to `Staging.publish`."""

    folder: Path
    number: int
    metadata: Mapping[str, Any]
    files: Mapping[str, FileStamp]


@dataclass(frozen=True, slots=True)
class Pointer:
    """The content of CURRENT.

    current: the version that readers open. last: the highest number ever used. manifests: the SHA-256 of the
    manifest of every version. pinned: whether `current` stays though newer versions are published, as after a
    rollback.
    """

    current: int
    last: int
    manifests: Mapping[int, str]
    pinned: bool = False

    @property
    def numbers(self) -> list[int]:
        """The numbers of the versions, oldest first."""
        return sorted(self.manifests)

    def keeping(self, count: int) -> Pointer:
        """The pointer without the oldest versions, so that `count` are left, among them the current one."""
        others = [number for number in self.numbers if number != self.current]
        kept = {self.current, *others[max(len(others) - count + 1, 0) :]}
        return replace(self, manifests={number: self.manifests[number] for number in sorted(kept)})

    def to_json(self) -> bytes:
        manifests = {str(number): digest for number, digest in self.manifests.items()}
        body: dict[str, Any] = {"current": self.current, "last": self.last, "manifests": manifests}
        if self.pinned:
            body["pinned"] = True
        return json.dumps({"pointer": body, "sha256": _digest(body)}).encode()


def read_pointer(root: Path) -> Pointer:
    """
    Raises:
        DamagedIndexError: there is no index, or its pointer was altered.
    """
    if not root.is_dir():
        raise DamagedIndexError(f"{root}: no such index; make one with itemsearch index build")
    path = root / CURRENT
    try:
        stored = json.loads(path.read_bytes())
        body = stored["pointer"]
        if _digest(body) != stored["sha256"]:
            raise ValueError("altered")
        manifests = {int(number): str(digest) for number, digest in body["manifests"].items()}
        return Pointer(body["current"], body["last"], manifests, bool(body.get("pinned")))
    except FileNotFoundError:
        raise DamagedIndexError(f"{root}: no {CURRENT}: not an index, or never finished; build it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(
            f"{path}: damaged, or of another version of itemsearch ({error}); build the index again"
        ) from error


def read_version(root: Path, read: Callable[[Version], T], number: int | None = None) -> T:
    """Calls `read` with a version, by default the current one, and returns its result.

    The sizes of the version's files are checked first. If the version is removed while it is read, `read` is
    called again with the version that is current by then, so it must not keep the result of an earlier call.

    Raises:
        DamagedIndexError: there is no index, or its files are missing or cut short.
        NoVersionError: there is no version of this number.
    """
    while True:
        pointer = read_pointer(root)
        chosen = pointer.current if number is None else number
        try:
            result = read(described_version(root, pointer, chosen))
        except (VectorIndexError, OSError):
            if chosen in read_pointer(root).manifests or chosen not in pointer.manifests:
                raise
        else:  # a file of a version that was just removed must not count as one that the version never had
            if chosen in read_pointer(root).manifests:
                return result


def current_version(root: Path) -> Version:
    """The version that readers open. The sizes of its files are checked, not their hashes.

    Raises:
        DamagedIndexError: there is no index, or its files are missing or cut short.
    """
    return read_version(root, lambda version: version)


def described_version(root: Path, pointer: Pointer, number: int) -> Version:
    """A version that `pointer` lists. The sizes of its files are checked.

    Raises:
        NoVersionError: the version is not listed.
        DamagedIndexError: files are missing or cut short.
    """
    if number not in pointer.manifests:
        numbers = ", ".join(map(str, pointer.numbers))
        raise NoVersionError(f"{root}: no version {number}; there is {numbers}")
    folder = version_folder(root, number)
    try:
        manifest = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise DamagedIndexError(f"{folder / MANIFEST}: {error.strerror}; build the index again") from error
    if hashlib.sha256(manifest).hexdigest() != pointer.manifests[number]:
        raise DamagedIndexError(f"{folder / MANIFEST}: altered since it was published; build the index again")
    described = json.loads(manifest)
    files = {name: FileStamp(**stamp) for name, stamp in described["files"].items()}
    for name, stamp in files.items():
        _check_size(folder / name, stamp.bytes)
    return Version(folder, number, described["metadata"], files)


def verify_version(version: Version, names: Collection[str] | None = None) -> None:
    """Compares the hashes of a version's files with its manifest: of all files, or of the given names.

    Raises:
        DamagedIndexError: a file differs from what was published; the error names the first.
    """
    for name, stamp in version.files.items():
        if names is not None and name not in names:
            continue
        path = version.folder / name
        _check_size(path, stamp.bytes)
        if sha256_of(path) != stamp.sha256:
            raise DamagedIndexError(f"{path}: altered since it was published; build the index again")


def version_folder(root: Path, number: int) -> Path:
    return root / "versions" / f"{number:08d}"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise DamagedIndexError(f"{path}: missing; build the index again")
    if (size := path.stat().st_size) != expected:
        raise DamagedIndexError(f"{path}: {size:,} bytes instead of {expected:,}; build the index again")
