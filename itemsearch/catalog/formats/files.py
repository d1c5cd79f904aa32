"""Finds the files of a catalog and reads the lines of text files."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from glob import glob, has_magic
from gzip import GzipFile
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, CatalogNotFoundError

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")

MAX_LINE_CHARS = 16 * 2**20
"""A longer line is no record of a catalog, and reading on would fill the memory."""

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


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


def read_lines(source: Source, newline: str) -> Iterator[str]:
    """Yields the lines of a UTF-8 text file, gzipped or not, with their line ends.

    A byte that is not UTF-8 becomes a lone surrogate, so that its row alone is rejected.

    Args:
        newline: as `open` has it: "" for CSV, where a lone "\\r" ends a line too; "\\n" for JSONL.

    Raises:
        CatalogError: the file cannot be read, is UTF-16, or has a line of over `MAX_LINE_CHARS`.
    """
    number = 0
    try:
        with source.open() as binary:
            _skip_bom(source, binary)
            text = TextIOWrapper(binary, encoding="utf-8", errors="surrogateescape", newline=newline)
            while line := text.readline(MAX_LINE_CHARS):
                number += 1
                if len(line) == MAX_LINE_CHARS:
                    raise CatalogError(
                        f"{source}: line {number} is longer than {MAX_LINE_CHARS:,} characters"
                    )
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"{source}: cannot be read past line {number}: {error}") from error


def _skip_bom(source: Source, binary: BufferedReader | GzipFile) -> None:
    start = binary.peek(3)[:3]
    if start[:2] in _UTF16_BOMS:
        raise CatalogError(f"{source}: UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`")
    if start == _UTF8_BOM:
        binary.read(3)
