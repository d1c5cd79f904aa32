"""Lists, verifies, rolls back and prunes the versions of an index folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.storage.publish import prune, roll_back, unpin
from itemsearch.indexes.storage.versions import (
    Pointer,
    Version,
    described_version,
    read_pointer,
    read_version,
    version_folder,
)
from itemsearch.search.folder import IndexSummary, index_errors, summarise
from itemsearch.search.verify import check_version


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A version in the list of `itemsearch index list`.

    pinned: it stays current though newer versions are published. created, rows, spec: from its manifest, None
    where that cannot be read. bytes: on the disk. damage: what the sizes of its files show to be wrong, "" if
    nothing; only `verify_index` reads the files.
    """

    version: int
    current: bool
    pinned: bool
    created: str | None
    rows: int | None
    spec: str | None
    bytes: int
    damage: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """A version that passed: `files` were hashed, and each of `ids` ids found itself."""

    folder: str
    version: int
    files: int
    bytes: int
    rows: int
    ids: int


@dataclass(frozen=True, slots=True)
class PruneReport:
    """Numbers of the removed and the kept versions."""

    folder: str
    removed: tuple[int, ...]
    kept: tuple[int, ...]
    freed_bytes: int


def list_versions(folder: Path) -> list[ListedVersion]:
    """Lists the versions, oldest first.

    Raises:
        IndexFolderError: there is no index.
    """
    with index_errors(folder):
        while True:
            pointer = read_pointer(folder)
            with suppress(FileNotFoundError):  # a version was removed meanwhile
                listed = [_listed(folder, pointer, number) for number in pointer.numbers]
                if read_pointer(folder) == pointer:
                    return listed


def verify_index(
    folder: Path, number: int | None = None, every: bool = False, progress: Progress = silent
) -> VerifyReport:
    """Checks a version, by default the current one, against its manifest and by searching it.

    Args:
        every: checks every id, not a sample.

    Raises:
        IndexFolderError: names the damaged file, or an id that does not find itself.
    """

    def verify(version: Version) -> VerifyReport:
        ids = check_version(folder, version, every, progress)
        size = sum(stamp.bytes for stamp in version.files.values())
        rows = version.metadata["rows"]
        return VerifyReport(str(folder), version.number, len(version.files), size, rows, ids)

    with index_errors(folder):
        return read_version(folder, verify, number)


def roll_back_index(folder: Path, number: int | None = None, progress: Progress = silent) -> IndexSummary:
    """Makes a version current again, by default the one before the current, once it is verified, and pins it.

    Raises:
        IndexFolderError: there is no such version, it is damaged, or another process is writing.
    """

    def verify(version: Version) -> None:
        check_version(folder, version, progress=progress)

    with index_errors(folder):
        return summarise(folder, roll_back(folder, verify, number))


def unpin_index(folder: Path, progress: Progress = silent) -> IndexSummary:
    """Makes the newest version current again after a rollback, once it is verified, and later ones too.

    Raises:
        IndexFolderError: there is no index, the version is damaged, or another process is writing.
    """

    def verify(version: Version) -> None:
        check_version(folder, version, progress=progress)

    with index_errors(folder):
        return summarise(folder, unpin(folder, verify))


def prune_index(folder: Path, keep: int) -> PruneReport:
    """Removes the oldest versions until `keep` are left, the current one among them.

    Raises:
        IndexFolderError: there is no index, or another process is writing.
    """
    numbers, before = [listed.version for listed in list_versions(folder)], _file_bytes(folder)
    with index_errors(folder):
        removed = prune(folder, keep)
    kept = tuple(number for number in numbers if number not in removed)
    return PruneReport(str(folder), tuple(removed), kept, before - _file_bytes(folder))


def _file_bytes(folder: Path) -> int:
    """The bytes of an index folder's files; one that versions share counts once."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())


def _listed(folder: Path, pointer: Pointer, number: int) -> ListedVersion:
    current = number == pointer.current
    pinned = current and pointer.pinned
    size = sum(path.lstat().st_size for path in version_folder(folder, number).glob("*"))
    try:
        metadata = described_version(folder, pointer, number).metadata
    except DamagedIndexError as error:
        return ListedVersion(number, current, pinned, None, None, None, size, str(error))
    created, rows, spec = (metadata.get(name) for name in ("created", "rows", "spec"))
    return ListedVersion(number, current, pinned, created, rows, spec, size, "")
