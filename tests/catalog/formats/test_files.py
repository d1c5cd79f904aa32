from __future__ import annotations

import gzip
import random

import pytest

from itemsearch.catalog.formats.files import MAX_LINE_CHARS, read_lines
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_gzip_by_content_and_bom(write, name, compress, bom):
    path = write(name, compress(bom + "é\nb".encode()))
    assert list(read_lines(Source(path), newline="\n")) == ["é\n", "b"]


@pytest.mark.parametrize(
    ("newline", "lines"), [("", ["a\r", "b\r\n", "c\u2028d"]), ("\n", ["a\rb\r\n", "c\u2028d"])]
)
def test_line_ends(write, newline, lines):
    assert list(read_lines(Source(write("a.csv", "a\rb\r\nc\u2028d")), newline)) == lines


def test_bad_byte_becomes_a_surrogate(write):
    assert list(read_lines(Source(write("a.csv", b"a\xff\n")), newline="")) == ["a\udcff\n"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_says_how_to_mend(write, encoding):
    content = "id,title\n".encode(encoding)
    bom = b"" if encoding == "utf-16" else "\ufeff".encode(encoding)
    with pytest.raises(CatalogError, match="iconv"):
        list(read_lines(Source(write("a.csv", bom + content)), newline=""))


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_damaged_gzip(write, damage):
    data = bytearray(gzip.compress(random.Random(0).randbytes(5000).hex().encode() + b"\n"))
    if damage == "cut":
        del data[-100:]
    else:
        data[3000] ^= 255
    with pytest.raises(CatalogError, match=r"a\.csv\.gz: cannot be read past line \d") as caught:
        list(read_lines(Source(write("a.csv.gz", bytes(data))), newline=""))
    assert "\n" not in str(caught.value)


def test_line_without_end_does_not_fill_the_memory(write):
    path = write("a.csv.gz", gzip.compress(b"a\n" + b"x" * (2 * MAX_LINE_CHARS)))
    with pytest.raises(CatalogError, match="line 2 is longer"):
        list(read_lines(Source(path), newline=""))
