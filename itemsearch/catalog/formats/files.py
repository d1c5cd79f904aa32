"""Finds the files of a catalog."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, CatalogNotFoundError

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")


def find_sources(path: str) -> list[Source]:
    """Finds the files at `path`: a file, a folder or a glob. Returns them sorted.

    A folder's or a glob's hidden files and those of another format are left out.

    Raises:
        CatalogNotFoundError: there is no such file or folder.
        CatalogError: no file there is of a known format.
    """
    known = f"expected {', '.join(SUFFIXES)}, or .gz of a text format"
    place = Path(path)
    try:
        if place.is_file() and not format_of(place):
            raise CatalogError(f"{path}: unknown file format: {known}")
        candidates = _candidates(place)
        files = sorted(file for file in candidates if format_of(file) and file.is_file())
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    if not candidates and not place.is_dir():
        raise CatalogNotFoundError(f"{path}: no such file or folder")
    if not files:
        raise CatalogError(f"{path}: no catalog file there: {known}")
    return [Source(file) for file in files]


def _candidates(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if place.is_dir():
        files = list(place.iterdir())
    elif has_magic(str(place)):
        # Path.glob takes no absolute pattern.
        files = [Path(match) for match in glob(str(place), recursive=True)]  # noqa: PTH207
    else:
        files = []
    return [file for file in files if not file.name.startswith(".")]


def format_of(path: Path) -> str:
    """One of `SUFFIXES`, or "" where the name ends in none of them."""
    name = path.name.lower()
    text = name.removesuffix(".gz")
    for suffix in TEXT_SUFFIXES:
        if text.endswith(suffix):
            return suffix
    return ".parquet" if name.endswith(".parquet") else ""
