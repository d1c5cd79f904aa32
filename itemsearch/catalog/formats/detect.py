"""Tells the format of a file from its first bytes."""

from __future__ import annotations

import codecs
import re
from enum import Enum, auto

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, NotCatalogError

_HEAD_BYTES = 2**16

_EXPORT = "export its table as CSV or Parquet"
_UNPACK = "unpack it first"
_OPEN = "save the sheet as .xlsx or CSV"

_NO_TABLES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF", "a PDF document", "ask for the data as CSV or .xlsx"),
    (0, b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls), or one with a password", _OPEN),
    (0, b"Obj\x01", "an Avro file", "convert it to Parquet"),
    (0, b"ORC", "an ORC file", "convert it to Parquet"),
    (0, b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (0, b"FEA1", "a Feather file of version 1", "write it as version 2 or Parquet"),
    (0, b"\x89HDF", "an HDF5 file", _EXPORT),
    (0, b"\x93NUMPY", "a NumPy array", _EXPORT),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\x1f\x9d", "a file of compress (.Z)", _UNPACK),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file", "run git lfs pull"),
    (0, b"\xff\xd8\xff", "a picture", ""),
    (0, b"\x89PNG", "a picture", ""),
    (0, b"GIF8", "a picture", ""),
    (8, b"WEBP", "a picture", ""),
    (4, b"ftyp", "a picture or film", ""),
)
"""Offset, bytes there, what has them, and what to do."""

_PROLOG = rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+"
_DOCTYPE = rb"(?:<!DOCTYPE\s[^>\[]*+(?:\[.*?\]\s*)?>)?+"
_ROOT = re.compile(
    _PROLOG + _DOCTYPE + _PROLOG + rb"<(?:[\w.-]+:)?([\w.-]+)[\s>/]", re.DOTALL | re.IGNORECASE
)
_HTML = re.compile(_PROLOG + rb"<!doctype\s+html", re.DOTALL | re.IGNORECASE)
_PYTHON_LITERAL = re.compile(rb"\s*\[?\s*\{\s*[ubr]?'")
_JSON = re.compile(rb"\s*(?:\{|\[\s*[\[{\"\]\d-])")

_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Format(Enum):
    """A format that is read. XLSX is a zip archive by its bytes; TEXT is whatever is no other."""

    PARQUET = auto()
    ARROW_FILE = auto()
    ARROW_STREAM = auto()
    ZIP = auto()
    XLSX = auto()
    XML = auto()
    JSON = auto()
    TEXT = auto()


_MAGIC = (
    (b"PAR1", Format.PARQUET),
    (b"ARROW1", Format.ARROW_FILE),
    (b"\xff\xff\xff\xff", Format.ARROW_STREAM),
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
)


def detect_format(source: Source) -> tuple[Source, Format]:
    """Tells what a file is, and how it is packed.

    Raises:
        NotCatalogError: it is of a kind that holds no catalog, or one that is not read.
        CatalogError: it cannot be read.
    """
    try:
        source = source.opened()
        head = _read_head(source)
    except OSError as error:
        raise CatalogError(f"{source}: cannot be read: {error.strerror or error}") from error
    return source, _format_of(source, head)


def _read_head(source: Source) -> bytes:
    """The first bytes; of a file that is damaged soon after, those before the damage."""
    head = b""
    with source.open() as stream:
        try:
            while len(head) < _HEAD_BYTES and (chunk := stream.read1(_HEAD_BYTES - len(head))):
                head += chunk
        except OSError:
            if not head:
                raise
    return head


def _format_of(source: Source, head: bytes) -> Format:
    for offset, magic, what, mend in _NO_TABLES:
        if head[offset : offset + len(magic)] == magic:
            raise NotCatalogError(f"{source}: {what}, not a catalog" + (f": {mend}" if mend else ""))
    for magic, format in _MAGIC:
        if head.startswith(magic):
            return format
    is_binary = not head or b"\0" in head
    if is_binary and source.short_name.lower().endswith((".parquet", ".xlsx")):
        raise CatalogError(f"{source}: neither Parquet nor Excel, or damaged: copy or export it again")
    return _detect_text(source, _as_utf8(head))


def _detect_text(source: Source, head: bytes) -> Format:
    root = _ROOT.match(head)
    if _HTML.match(head) or (root and root[1].lower() == b"html"):
        raise NotCatalogError(
            f"{source}: a web page (HTML), not a catalog: was it saved from a page that asks to log in? "
            "Download the export again"
        )
    if root:
        return Format.XML
    if _PYTHON_LITERAL.match(head):
        raise CatalogError(
            f"{source}: Python literals, not JSON (single quotes): convert it with python3 -c 'import ast, "
            "json, sys; [print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]' "
            f"< {source} > {source}.jsonl"
        )
    return Format.JSON if _JSON.match(head) else Format.TEXT


def _as_utf8(head: bytes) -> bytes:
    for bom, encoding in _ENCODINGS:
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, "ignore").encode()
    return head
