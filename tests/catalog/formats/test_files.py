from __future__ import annotations

import gzip
import os
import random

import pytest

from itemsearch.catalog.formats.files import MAX_LINE_CHARS, find_sources, format_of, read_lines
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, CatalogNotFoundError


def test_one_file(write):
    path = write("a.csv", "x")
    assert find_sources(str(path)) == [Source(path)]


def test_folder_sorted_without_hidden_unknown_and_nested(write, tmp_path):
    wanted = [write(name, "x") for name in ("a.parquet", "b.csv.gz", "c.JSONL", "d.tsv")]
    for name in (".hidden.csv", "_SUCCESS", "notes.txt", "sub/e.csv", "f.parquet.gz"):
        write(name, "x")
    assert [source.path for source in find_sources(str(tmp_path))] == wanted


def test_glob(write, tmp_path):
    wanted = [write("x/part-1.csv", "x"), write("y/part-0.csv", "x")]
    write("y/other.csv", "x")
    write("y/part-0.txt", "x")
    assert [source.path for source in find_sources(f"{tmp_path}/*/part-*")] == wanted


def test_file_whose_name_is_a_pattern_too(write):
    path = write("a[1].csv", "x")
    write("a1.csv", "x")
    assert find_sources(str(path)) == [Source(path)]


@pytest.mark.parametrize("path", ["none.csv", "none*.csv"])
def test_nothing_there(tmp_path, path):
    with pytest.raises(CatalogNotFoundError, match="none"):
        find_sources(f"{tmp_path}/{path}")


@pytest.mark.parametrize("path", ["", "/notes.txt", "/*"])
def test_nothing_of_a_known_format(write, tmp_path, path):
    write("notes.txt", "x")
    with pytest.raises(CatalogError, match=r"\.parquet"):
        find_sources(f"{tmp_path}{path}")


def test_empty_folder_and_pipe(tmp_path):
    with pytest.raises(CatalogError, match="no catalog file"):
        find_sources(str(tmp_path))
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(CatalogError):
        find_sources(str(tmp_path / "a.csv"))


def test_name_that_no_file_system_takes(tmp_path):
    with pytest.raises(CatalogError, match="cannot be read"):
        find_sources(str(tmp_path / ("x" * 300)))


def test_format_of(tmp_path):
    names = {"a.csv": ".csv", "a.TSV.GZ": ".tsv", "a.jsonl": ".jsonl", "a.parquet": ".parquet", "a.gz": ""}
    assert {name: format_of(tmp_path / name) for name in names} == names


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
