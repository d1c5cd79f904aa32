from __future__ import annotations

import os
from pathlib import PurePath

import pytest

from itemsearch.catalog.formats.find import find_sources, has_suffix, keys_of
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, CatalogNotFoundError


def paths(path):
    return [source.path for source in find_sources(str(path))]


def test_one_file(write):
    path = write("a.csv", "x")
    assert find_sources(str(path)) == [Source(path)]


def test_folder_and_its_subfolders_without_what_is_hidden(write, tmp_path):
    wanted = [write(name, "x") for name in ("_list.csv", "a.parquet", "b.csv.gz", "notes.txt", "sub/e.csv")]
    for name in (".hidden.csv", "_SUCCESS", "state.json", "sub/.a.csv.crc", ".git/a.csv", "_temporary/a.csv"):
        write(name, "x")
    assert paths(tmp_path) == wanted


@pytest.mark.parametrize(
    "ours",
    [("CURRENT", "versions/1/a.csv"), ("manifest.json", "data/a.parquet"), ("run.json", "pairs.parquet")],
)
def test_what_is_made_from_a_catalog_is_none(write, tmp_path, ours):
    wanted = [write("a.csv", "x"), write("sub/manifest.json", "{}")]
    for name in ours:
        write(f"out/{name}", "x")
    assert paths(tmp_path) == wanted


def test_glob(write, tmp_path):
    wanted = [write("x/part-1.csv", "x"), write("y/part-0.csv", "x")]
    write("y/other.csv", "x")
    write("y/part-0/deeper.csv", "x")
    assert paths(f"{tmp_path}/*/part-*") == wanted


def test_glob_of_folders(write, tmp_path):
    wanted = [write("d=1/a.csv", "x"), write("d=2/e=3/a.csv", "x")]
    write("other/a.csv", "x")
    sources = find_sources(f"{tmp_path}/d=*")
    assert [source.path for source in sources] == wanted
    assert [source.keys for source in sources] == [{"d": "1"}, {"d": "2", "e": "3"}]


def test_keys_of_folders():
    name = PurePath("seller=Knit%20%26%20Co/day=__HIVE_DEFAULT_PARTITION__/a=b=c/=/x=/part=0.csv")
    assert keys_of(name) == {"seller": "Knit & Co", "day": None, "a": "b=c", "x": ""}


def test_file_whose_name_is_a_pattern_too(write):
    path = write("a[1].csv", "x")
    write("a1.csv", "x")
    assert find_sources(str(path)) == [Source(path)]


@pytest.mark.parametrize("path", ["none.csv", "none*.csv"])
def test_nothing_there(tmp_path, path):
    with pytest.raises(CatalogNotFoundError, match="none"):
        find_sources(f"{tmp_path}/{path}")


def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(CatalogError, match="pipe it in and read -"):
        find_sources(str(tmp_path / "a.csv"))
    assert find_sources(str(tmp_path)) == []


def test_name_that_no_file_system_takes(tmp_path):
    with pytest.raises(CatalogError, match="cannot be read"):
        find_sources(str(tmp_path / ("x" * 300)))


def test_link_to_a_folder_above_is_not_followed(write, tmp_path):
    path = write("sub/a.csv", "x")
    (tmp_path / "sub/up").symlink_to(tmp_path)
    assert paths(tmp_path) == [path]


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("a.csv", True),
        ("a.CSV.GZ", True),
        ("a.csv.zip", True),
        ("a.gz", False),
        ("csv", False),
        ("a.txt", False),
    ],
)
def test_suffix(name, has):
    assert has_suffix(PurePath(name), (".csv",)) == has
