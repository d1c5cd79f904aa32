"""Finds the files of a catalog: one, those of a folder and its subfolders, or those that fit a pattern."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from glob import glob, has_magic
from pathlib import Path, PurePath
from urllib.parse import unquote

from itemsearch.catalog.formats.source import Source, standard_input
from itemsearch.errors import CatalogError, CatalogNotFoundError
from itemsearch.fetched import STATE

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".jsonl", ".ndjson", ".parquet", ".xlsx", ".zip")
"""A file with one of these names, compressed or not, is meant as a table: it is read or refused."""

PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".svg", ".heic")
)

_BESIDE_TABLES = frozenset(
    ("thumbs.db", "desktop.ini", "dataset_info.json", "dataset_dict.json", "state.json")
)
"""What Windows and Hugging Face's datasets leave in folders."""

_PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_OUR_FOLDERS = ({"CURRENT", "versions"}, {"manifest.json", "data"}, {"run.json", "pairs.parquet"}, {STATE})
"""What lies at the top of an index, a store, a run of duplicates and fetched pictures: no catalogs."""


def find_sources(path: str) -> list[Source]:
    """Finds the files at `path`: "-" for standard input, a file, a folder or a glob. Returns them sorted.

    Hidden files and those that tools leave beside a table, such as `_SUCCESS`, are left out; so are our own
    stores and indexes. Folders called "key=value" give their files a column.

    Raises:
        CatalogNotFoundError: there is no such file or folder, or nothing in it.
        CatalogError: something there cannot be read.
    """
    if path == "-":
        return [standard_input()]
    place = Path(path)
    try:
        if place.is_file():
            return [Source(place)]
        if place.is_dir():
            return _sources(place, _walk(place))
        # Path.glob takes no absolute pattern.
        found = [Path(match) for match in glob(path, recursive=True)] if has_magic(path) else []  # noqa: PTH207
        files = [match for match in found if match.is_file() and not is_hidden(match)]
        folders = [match for match in found if match.is_dir()] if not files else []
        files += [file for folder in folders for file in _walk(folder)]
        if place.exists() and not files:
            raise CatalogError(f"{path}: not a regular file: pipe it in and read -")
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    if not found:
        raise CatalogNotFoundError(f"{path}: no such file or folder")
    return _sources(_fixed_part(place), set(files))


def is_hidden(name: PurePath) -> bool:
    """Whether a file is hidden, or one of those that tools leave beside a table."""
    lower = name.name.lower()
    if lower.startswith("_"):
        return not has_suffix(name, TABLE_SUFFIXES)
    return lower.startswith(".") or lower in _BESIDE_TABLES


def has_suffix(name: PurePath, suffixes: tuple[str, ...]) -> bool:
    """Whether a name ends in one of `suffixes`, or in one and that of a compressed file."""
    lower = name.name.lower()
    packed = next((suffix for suffix in _PACKED_SUFFIXES if lower.endswith(suffix)), "")
    return lower.endswith(suffixes) or lower.removesuffix(packed).endswith(suffixes)


def keys_of(name: PurePath) -> Mapping[str, str | None]:
    """The columns that the folders of a file give it, as Hive writes them: "seller=one/part-0.parquet"."""
    parts = (part.partition("=") for part in name.parts[:-1])
    pairs = ((key, value) for key, sign, value in parts if key and sign)
    return {unquote(key): None if value == _NO_VALUE else unquote(value) for key, value in pairs}


def _walk(folder: Path) -> Iterator[Path]:
    for place, subfolders, names in os.walk(folder, onerror=_raise):
        if any(ours <= {*names, *subfolders} for ours in _OUR_FOLDERS):
            subfolders.clear()
            continue
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "_"))]
        files = (Path(place, name) for name in names)
        yield from (file for file in files if not is_hidden(file) and file.is_file())


def _raise(error: OSError) -> None:
    raise error


def _sources(root: Path, files: Iterable[Path]) -> list[Source]:
    return [Source(file, keys=keys_of(file.relative_to(root))) for file in sorted(files)]


def _fixed_part(pattern: Path) -> Path:
    """The folder that all the matches of a pattern lie in."""
    parts = pattern.parts
    first = next(i for i, part in enumerate(parts) if has_magic(part))
    return Path(*parts[:first])
