from __future__ import annotations

import os

import pytest

from itemsearch.catalog.formats.files import find_sources, format_of
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
