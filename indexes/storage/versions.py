"""An index folder as its readers see it: immutable versions, and one file that says which there are.

    ROOT/versions/00000001/...        a version: its files, and MANIFEST.json with the hash of each
    ROOT/CURRENT                      the versions there are, the hash of each one's manifest, the current one

CURRENT is replaced in one step, so every change of a folder is whole or did not happen. A folder in
`versions` that CURRENT does not list is no version: it never became one, or is being removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from itemsearch.indexes.errors import DamagedIndexError, NoVersionError, VectorIndexError

MANIFEST = "MANIFEST.json"
CURRENT = "CURRENT"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a manifest says of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an index. `metadata` is what its writer said of it."""

    folder: Path
    number: int
    metadata: Mapping[str, Any]
    files: Mapping[str, FileStamp]


@dataclass(frozen=True, slots=True)
class Pointer:
    """What CURRENT holds.

    current: the version that readers open. last: the highest number ever given, which is never given again.
    manifests: of every version the SHA-256 of its manifest.
    """

    current: int
    last: int
    manifests: Mapping[int, str]

    @property
    def numbers(self) -> list[int]:
        """The versions there are, oldest first."""
        return sorted(self.manifests)

    def keeping(self, count: int) -> Pointer:
        """Without the oldest versions, so that `count` are left; the current one is among them."""
        others = [number for number in self.numbers if number != self.current]
        kept = {self.current, *others[max(len(others) - count + 1, 0) :]}
        return Pointer(self.current, self.last, {number: self.manifests[number] for number in sorted(kept)})

    def to_json(self) -> bytes:
        manifests = {str(number): digest for number, digest in self.manifests.items()}
        body = {"current": self.current, "last": self.last, "manifests": manifests}
        return json.dumps({"pointer": body, "sha256": _digest(body)}).encode()


def read_pointer(root: Path) -> Pointer:
    """
    Raises:
        DamagedIndexError: no index, or its pointer was altered.
    """
    if not root.is_dir():
        raise DamagedIndexError(f"{root}: no such index; make one with itemsearch index build")
    path = root / CURRENT
    try:
        held = json.loads(path.read_bytes())
        body = held["pointer"]
        if _digest(body) != held["sha256"]:
            raise ValueError("altered")
        manifests = {int(number): str(digest) for number, digest in body["manifests"].items()}
        return Pointer(body["current"], body["last"], manifests)
    except FileNotFoundError:
        raise DamagedIndexError(f"{root}: no {CURRENT}: not an index, or never finished; build it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(
            f"{path}: damaged, or of another version of itemsearch ({error}); build the index again"
        ) from error


def read_version(root: Path, read: Callable[[Version], T], number: int | None = None) -> T:
    """What `read` makes of a version, by default the current one. Its files are checked by size first.

    A version may be removed while it is read. `read` is then called again with the version that is current
    by now, so it must not keep what an earlier call gave it.

    Raises:
        DamagedIndexError: no index, or one whose files are missing or cut short.
        NoVersionError: no version of this number.
    """
    while True:
        pointer = read_pointer(root)
        chosen = pointer.current if number is None else number
        try:
            found = read(described_version(root, pointer, chosen))
        except (VectorIndexError, OSError):
            if chosen in read_pointer(root).manifests or chosen not in pointer.manifests:
                raise
        else:  # not every version has every file: one just removed must not pass for one that was never there
            if chosen in read_pointer(root).manifests:
                return found


def current_version(root: Path) -> Version:
    """The version that readers open, its files checked by size: hashing them is `verify_version`'s.

    Raises:
        DamagedIndexError: no index, or one whose files are missing or cut short.
    """
    return read_version(root, lambda version: version)


def described_version(root: Path, pointer: Pointer, number: int) -> Version:
    """A version that `pointer` lists, its files checked by size.

    Raises:
        NoVersionError: it is not listed.
        DamagedIndexError: files are missing or cut short.
    """
    if number not in pointer.manifests:
        there = ", ".join(map(str, pointer.numbers))
        raise NoVersionError(f"{root}: no version {number}; there is {there}")
    folder = version_folder(root, number)
    try:
        manifest = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise DamagedIndexError(f"{folder / MANIFEST}: {error.strerror}; build the index again") from error
    if hashlib.sha256(manifest).hexdigest() != pointer.manifests[number]:
        raise DamagedIndexError(f"{folder / MANIFEST}: altered since it was published; build the index again")
    held = json.loads(manifest)
    files = {name: FileStamp(**stamp) for name, stamp in held["files"].items()}
    for name, stamp in files.items():
        _check_size(folder / name, stamp.bytes)
    return Version(folder, number, held["metadata"], files)


def verify_version(version: Version, names: Collection[str] | None = None) -> None:
    """Hashes the files of a version: every one, or those of the given names.

    Raises:
        DamagedIndexError: names the first file that is not what was published.
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
