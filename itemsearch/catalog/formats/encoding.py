"""Finds the encoding of a text file from its bytes, and reads its lines."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper

from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError

MAX_LINE_CHARS = 16 * 2**20
"""A longer line is no record of a catalog, and reading on would fill the memory."""
SAMPLE_BYTES = 2**18
"""What is looked at closely. A guess: thousands of rows, and a tenth of a second to try every dialect on."""
BAD_BYTE = "\udcff"
"""Stands for a byte that is no character: a lone surrogate, which no text holds."""

_CHUNK_BYTES = 2**20
_ENOUGH_BYTES = 10_000
"""So many bytes beyond ASCII tell a Western European text from another."""
_BOMS = {  # UTF-32's begins as UTF-16's does
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252"}
_HIGH = bytes(range(0x80, 0x100))
_NOT_WESTERN = re.compile(rb"[\x80-\xff]{3,}|(?<=[a-z])[\xa1-\xb3\xb5\xb6\xb8-\xbf](?=[a-z])")
_MARK = "itemsearch.mark"


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the bytes of a text file shows.

    Attributes:
        encoding: the codec's name in Python.
        said: its name for people.
        sound: whether every byte is known to be of a character.
        nuls: how many NUL bytes there are, which a text has no use for; 0 in UTF-16 and UTF-32.
        samples: whole lines from the start, and, if they have no quotation mark, from the first one on.
    """

    encoding: str
    said: str
    sound: bool
    nuls: int
    samples: tuple[str, ...]


def survey_text(source: Source, encoding: str = "") -> Survey:
    """Passes over a text file once, in bounded memory, to find its encoding unless it is given.

    A byte order mark decides, then zero bytes beside most others, which are UTF-16's. Else it is UTF-8 if it
    has at least as many characters beyond ASCII as bytes that are none: one bad byte costs its row, not the
    file. What is left is Windows-1252, which holds Latin-1, if its characters beyond ASCII stand in words as
    Western Europe writes them.

    Args:
        encoding: a codec's name in Python.

    Raises:
        CatalogError: the file cannot be read, or is of another encoding than `encoding` or those above.
    """
    tally = _Tally()
    try:
        with source.open() as file:
            while chunk := file.read1(_CHUNK_BYTES):
                tally.add(chunk)
    except (OSError, EOFError, zlib.error) as error:
        if not tally.head:  # else the lines before the damage can be read, and reading on comes to it
            raise CatalogError(f"{source}: cannot be read: {error}") from error
    tally.bad += _count_bad(tally.decoder.decode(b"", final=True))
    found = encoding or tally.encoding(source)
    wide = found.startswith(("utf-16", "utf-32"))
    if wide and tally.head and not tally.head.count(0):
        raise CatalogError(f"{source}: the bytes are not {encoding}, which --encoding says")
    return Survey(
        encoding=found,
        said=_NAMES.get(found, found),
        sound=found == "utf-8" and not tally.bad,
        nuls=0 if wide else tally.nuls,
        samples=tuple(_whole_lines(tally, found)),
    )


def read_lines(source: Source, newline: str, encoding: str = "utf-8") -> Iterator[str]:
    """Yields the lines of a text file with their line ends, without a byte order mark.

    A byte that is no character becomes `BAD_BYTE`, so that its row alone is rejected.

    Args:
        newline: as `open` has it: "" for CSV, where a lone "\\r" ends a line too; "\\n" for JSONL.

    Raises:
        CatalogError: the file cannot be read, or has a line of over `MAX_LINE_CHARS`.
    """
    codecs.register_error(_MARK, _mark)
    number = 0
    try:
        with source.open() as binary:
            text = TextIOWrapper(binary, encoding=encoding, errors=_MARK, newline=newline)
            while line := text.readline(MAX_LINE_CHARS):
                number += 1
                if len(line) == MAX_LINE_CHARS:
                    raise CatalogError(
                        f"{source}: line {number} is longer than {MAX_LINE_CHARS:,} characters"
                    )
                yield line.removeprefix("\ufeff") if number == 1 else line
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"{source}: cannot be read past line {number}: {error}") from error


@dataclass(slots=True)
class _Tally:
    """What was counted of the bytes so far.

    head: the first bytes. quoted: those from a later line with the first quotation mark. whole: whether head
    is the whole file. sound: characters of UTF-8 beyond ASCII; bad: bytes that are not UTF-8; high: bytes
    beyond ASCII, where some are bad, up to `_ENOUGH_BYTES`; foreign: those that are unlike Windows-1252.
    """

    head: bytes = b""
    quoted: bytes = b""
    whole: bool = True
    nuls: int = 0
    sound: int = 0
    bad: int = 0
    high: int = 0
    foreign: int = 0
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("surrogateescape")
    )

    def add(self, chunk: bytes) -> None:
        room = SAMPLE_BYTES - len(self.head)
        self.head += chunk[:room]
        rest = chunk[room:]
        self.whole = self.whole and not rest
        if rest and not self.quoted and b'"' not in self.head:
            self.quoted = _from_first_quote(rest)
        self.nuls += chunk.count(0)
        if chunk.isascii() and not self.decoder.getstate()[0]:
            return
        text = self.decoder.decode(chunk)
        bad = _count_bad(text)
        self.bad += bad
        self.sound += len(text) - len(text.encode("ascii", "ignore")) - bad
        if bad and self.high < _ENOUGH_BYTES:
            self.high += len(chunk) - len(chunk.translate(None, _HIGH))
            self.foreign += sum(map(len, _NOT_WESTERN.findall(chunk)))

    def encoding(self, source: Source) -> str:
        if found := _unicode(self.head):
            return found
        if self.bad <= self.sound:
            return "utf-8"
        if self.foreign > 0.3 * self.high:
            raise CatalogError(
                f"{source}: the text is neither UTF-8 nor Windows-1252: say what it is, as in "
                "--encoding windows-1251"
            )
        return "cp1252"


def find_unicode(source: Source) -> str:
    """The encoding of a file that is UTF-8, UTF-16 or UTF-32, as JSON has to be.

    Raises:
        CatalogError: the file cannot be read.
    """
    try:
        with source.open() as file:
            return _unicode(file.read(SAMPLE_BYTES)) or "utf-8"
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogError(f"{source}: cannot be read: {error}") from error


def _unicode(head: bytes) -> str:
    """What a byte order mark says, or the UTF-16 in which ASCII has these zero bytes; "" for neither."""
    for bom, name in _BOMS.items():
        if head.startswith(bom):
            return name
    even, odd = head[0::2].count(0), head[1::2].count(0)
    enough = 0.3 * len(head) / 2
    if odd >= enough and odd > 10 * even:
        return "utf-16-le"
    return "utf-16-be" if even >= enough and even > 10 * odd else ""


def _count_bad(text: str) -> int:
    """Counts the bytes that were not decoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return len(text) - len(text.encode(errors="ignore").decode())
    return 0


def _from_first_quote(chunk: bytes) -> bytes:
    """From the first line that begins in the chunk and has a quotation mark; b"" if there is none."""
    first_line = chunk.find(b"\n") + 1
    mark = chunk.find(b'"', first_line) if first_line else -1
    return chunk[chunk.rfind(b"\n", 0, mark) + 1 :][:SAMPLE_BYTES] if mark >= 0 else b""


def _whole_lines(tally: _Tally, encoding: str) -> Iterator[str]:
    codecs.register_error(_MARK, _mark)
    for sample, whole in ((tally.head, tally.whole), (tally.quoted, False)):
        text = sample.decode(encoding, _MARK).removeprefix("\ufeff")
        if not whole:
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        if text:
            yield text


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BAD_BYTE * (error.end - error.start), error.end
