from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from itemsearch import table_files
from itemsearch.errors import UsageError
from itemsearch.table_files import check_out, writing

TABLE = pa.table(
    {
        "id": ["007", "=1+1", None],
        "score": [0.5, None, 1.0],
        "sure": [True, False, None],
        "candidates": [[{"id": "a", "p": 1}], [], None],
    }
)


def write(path: Path) -> Path:
    with writing(path, TABLE.schema) as file:
        file.write(TABLE.slice(0, 2))
        file.write(TABLE.slice(2))
    return path


def test_the_parts_of_a_table_are_one_in_every_kind_of_file(tmp_path: Path) -> None:
    assert pq.read_table(write(tmp_path / "deep" / "a.parquet")) == TABLE
    lines = write(tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == TABLE.to_pylist()
    text = write(tmp_path / "a.CSV").read_text("utf-8-sig")
    assert text.splitlines() == [
        "id,score,sure,candidates",
        '007,0.5,true,"[{""id"": ""a"", ""p"": 1}]"',
        "'=1+1,,false,[]",
        ",1.0,,",
    ]
    sheet = CalamineWorkbook.from_path(write(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python()
    assert sheet == [
        ["id", "score", "sure", "candidates"],
        ["007", 0.5, "True", '[{"id": "a", "p": 1}]'],
        ["=1+1", "", "False", "[]"],
        ["", 1.0, "", ""],
    ]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl", "a.xlsx"])
def test_a_file_that_is_not_finished_replaces_nothing(tmp_path: Path, name: str) -> None:
    before = write(tmp_path / name).read_bytes()
    with pytest.raises(AttributeError), writing(tmp_path / name, TABLE.schema) as file:
        file.write(None)
    assert (tmp_path / name).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_sheet_takes_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MOST_ROWS", 3)
    with pytest.raises(UsageError, match=r"more than 2 rows, .* write \.csv or \.jsonl"):
        write(tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_an_output_is_of_a_known_kind_and_no_input(tmp_path: Path) -> None:
    feed = tmp_path / "feed" / "a.csv"
    feed.parent.mkdir()
    feed.write_text("id\n")
    (tmp_path / "link.csv").symlink_to(feed)
    check_out("--out", tmp_path / "b.csv", [feed, feed.parent])
    with pytest.raises(UsageError, match=r"--out b\.txt: end its name in \.parquet, \.csv, \.jsonl, \.xlsx"):
        check_out("--out", Path("b.txt"))
    for same in (feed, tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="itself: name another file"):
            check_out("--out", same, [feed])
    with pytest.raises(UsageError, match="name a file elsewhere"):
        check_out("--out", feed.parent / "b.csv", [feed.parent])
