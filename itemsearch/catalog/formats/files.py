"""Reads the lines of text files."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError

MAX_LINE_CHARS = 16 * 2**20
"""A longer line is no record of a catalog, and reading on would fill the memory."""

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


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
    except OSError as error:
        raise CatalogError(f"{source}: cannot be read past line {number}: {error}") from error


def _skip_bom(source: Source, binary: BufferedReader) -> None:
    start = binary.peek(3)[:3]
    if start[:2] in _UTF16_BOMS:
        raise CatalogError(f"{source}: UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`")
    if start == _UTF8_BOM:
        binary.read(3)
