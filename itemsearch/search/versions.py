"""The versions of an index folder: which there are, whether one is whole, going back, clearing out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.storage.publish import prune, roll_back
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
    """damage: what is wrong with its files by their size, "" if nothing; only `verify_index` reads them.

    created, rows and spec are as its manifest has them, None where that cannot be read. bytes: on the disk.
    """

    version: int
    current: bool
    created: str | None
    rows: int | None
    spec: str | None
    bytes: int
    damage: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """A version that is what was published: `files` hashed, and `ids` looked for, each found."""

    folder: str
    version: int
    files: int
    bytes: int
    rows: int
    ids: int


@dataclass(frozen=True, slots=True)
class PruneReport:
    folder: str
    removed: tuple[int, ...]
    kept: tuple[int, ...]
    freed_bytes: int


def list_versions(folder: Path) -> list[ListedVersion]:
    """Oldest first.

    Raises:
        IndexFolderError: no index.
    """
    with index_errors(folder):
        while True:
            pointer = read_pointer(folder)
            with suppress(FileNotFoundError):  # a version went while it was looked at
                listed = [_listed(folder, pointer, number) for number in pointer.numbers]
                if read_pointer(folder) == pointer:
                    return listed


def verify_index(folder: Path, number: int | None = None, every: bool = False) -> VerifyReport:
    """Checks a version, by default the current one, against its manifest and by searching it.

    Args:
        every: looks for every id, not for a sample.

    Raises:
        IndexFolderError: names the damaged file, or an id that does not find itself.
    """

    def report(version: Version) -> VerifyReport:
        ids = check_version(folder, version, every)
        size = sum(stamp.bytes for stamp in version.files.values())
        rows = version.metadata["rows"]
        return VerifyReport(str(folder), version.number, len(version.files), size, rows, ids)

    with index_errors(folder):
        return read_version(folder, report, number)


def roll_back_index(folder: Path, number: int | None = None) -> IndexSummary:
    """Makes a version current again, by default the one before the current, once it is verified.

    Raises:
        IndexFolderError: no such version, it is damaged, or another process is writing.
    """
    with index_errors(folder):
        return summarise(folder, roll_back(folder, lambda version: check_version(folder, version), number))


def prune_index(folder: Path, keep: int) -> PruneReport:
    """Removes the oldest versions until `keep` are left, the current one among them.

    Raises:
        IndexFolderError: no index, or another process is writing.
    """
    sizes = {listed.version: listed.bytes for listed in list_versions(folder)}
    with index_errors(folder):
        removed = prune(folder, keep)
    kept = tuple(number for number in sizes if number not in removed)
    return PruneReport(str(folder), tuple(removed), kept, sum(sizes.get(number, 0) for number in removed))


def _listed(folder: Path, pointer: Pointer, number: int) -> ListedVersion:
    current = number == pointer.current
    size = sum(path.lstat().st_size for path in version_folder(folder, number).glob("*"))
    try:
        metadata = described_version(folder, pointer, number).metadata
    except DamagedIndexError as error:
        return ListedVersion(number, current, None, None, None, size, str(error))
    created, rows, spec = (metadata.get(name) for name in ("created", "rows", "spec"))
    return ListedVersion(number, current, created, rows, spec, size, "")
