# ruff: noqa: RUF001 (letters of many scripts are the matter here)
from __future__ import annotations

import gzip
import random

import pytest

from itemsearch.catalog.formats.encoding import (
    BAD_BYTE,
    MAX_LINE_CHARS,
    SAMPLE_BYTES,
    find_unicode,
    read_lines,
    survey_text,
)
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, UsageError

UNICODE = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
WESTERN = [
    "Tasse „Frühstück“ weiß 0,35 l",
    "Théière émaillée d’été",
    "Più caffè",
    "Niño pequeño",
    "Nestlé® 12 €",
    "Rød skål",
    "30 °C",
    "Coração, não",
]
OTHERS = [
    ("windows-1251", "Микроволновка белая"),
    ("windows-1253", "Καρέκλα ξύλινη"),
    ("gbk", "红色木椅 环保餐桌 北欧风格沙发"),
    ("shift-jis", "木製の椅子 折りたたみテーブル 北欧風ソファ"),
    ("windows-1250", "Krzesło żółte, półka"),
]


@pytest.fixture
def survey(write):
    return lambda content, encoding="": survey_text(Source(write("a.csv", content)), encoding)


@pytest.mark.parametrize(
    ("encoding", "said", "mark"),
    [
        *((encoding, said, mark) for encoding, said in UNICODE.items() for mark in ("", "\ufeff")),
        ("utf-32-le", "utf-32-le", "\ufeff"),
    ],
)
def test_unicode_with_and_without_byte_order_mark(write, encoding, said, mark):
    source = Source(write("a.csv", f"{mark}id,title\n1,Café 木\n".encode(encoding)))
    found = survey_text(source)
    assert (found.encoding, found.said, found.samples) == (encoding, said, ("id,title\n1,Café 木\n",))
    assert find_unicode(source) == encoding
    assert list(read_lines(source, "", encoding)) == ["id,title\n", "1,Café 木\n"]


@pytest.mark.parametrize("title", WESTERN)
def test_windows_1252_of_one_title(survey, title):
    found = survey(f"id,title\n1,{title}\n".encode("windows-1252"))
    assert (found.said, found.samples[0].splitlines()[1]) == ("Windows-1252", f"1,{title}")


@pytest.mark.parametrize(("encoding", "title"), OTHERS)
def test_text_that_is_neither_is_refused_and_read_when_named(survey, encoding, title):
    content = f"id,title\n1,{title}\n".encode(encoding)
    with pytest.raises(CatalogError, match=r"neither UTF-8 nor Windows-1252: .* --encoding"):
        survey(content)
    assert survey(content, ReadOptions(encoding=encoding).encoding).samples[0] == f"id,title\n1,{title}\n"


def test_encoding_is_decided_by_counting_over_the_whole_file(survey):
    ascii_rows = b"".join(b"%d,Mug\n" % i for i in range(SAMPLE_BYTES // 4))
    assert survey(b"id,title\n" + ascii_rows + "x,Café\n".encode("cp1252")).said == "Windows-1252"
    mostly = survey(b"id,title\n" + ascii_rows + b"x,caf\xe9\n" + "y,Café\n".encode())
    assert (mostly.said, mostly.sound) == ("UTF-8", False)


def test_a_character_cut_by_the_end_of_a_chunk_is_sound(survey):
    found = survey(b"x" * (2**20 - 1) + "é".encode())
    assert (found.said, found.sound) == ("UTF-8", True)


def test_nul_bytes_are_counted_and_are_not_utf_16(survey):
    found = survey(b"id,title\n1,M\0ug\n2,Bowl\n")
    assert (found.said, found.nuls) == ("UTF-8", 1)


def test_samples_are_whole_lines_from_the_start_and_from_the_first_quote(survey):
    rows = "".join(f"{i},Mug\n" for i in range(SAMPLE_BYTES // 2))
    head, quoted = survey(f'{rows}x,"a, b"\ny,c\nz,"d').samples
    assert rows.startswith(head)
    assert head.endswith("\n")
    assert quoted == 'x,"a, b"\ny,c\n'


@pytest.mark.parametrize("encoding", ["utf-17", "base64", "a\0b"])
def test_an_encoding_that_is_none(encoding):
    with pytest.raises(UsageError, match="encoding"):
        ReadOptions(encoding=encoding)


@pytest.mark.parametrize("end", [b"", b"\xd8", b"\x00\xd8"])
def test_damage_in_utf_16_costs_its_line(write, end):
    source = Source(write("a.csv", "\ufeffa\nb".encode("utf-16-le") + end))
    lines = list(read_lines(source, "", "utf-16-le"))
    assert lines[0] == "a\n"
    assert (lines[1] == "b") == (not end)
    assert (BAD_BYTE in lines[1]) == bool(end)


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
    assert list(read_lines(Source(write("a.csv", b"a\xff\n")), newline="")) == [f"a{BAD_BYTE}\n"]


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
