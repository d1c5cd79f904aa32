from __future__ import annotations

import csv
import random

import pytest

from itemsearch.catalog.formats.delimited import MAX_CELL_CHARS, open_delimited
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


@pytest.fixture
def parse(write):
    """parse(content, delimiter) -> [(line, cells or problem)] of a file's records."""

    def to_records(content, delimiter=","):
        table = open_delimited(Source(write("a.csv", content)), delimiter)
        return [(record.line, record.problem or list(record.cells.values())) for record in table.parse()]

    return to_records


def test_cells_are_text_as_written(parse):
    assert parse("id,price\n007, 1.50\n1e5,\n") == [(2, ["007", " 1.50"]), (3, ["1e5", ""])]


def test_quotes_newlines_and_blank_lines(parse):
    records = parse('id,title\n\n1,"two\nlines, ""quoted"""\n\r\n2,5" wide\n')
    assert records == [(3, ["1", 'two\nlines, "quoted"']), (6, ["2", '5" wide'])]


def test_tsv(parse):
    assert parse("id\ttitle\n1\ta, b\n", "\t") == [(2, ["1", "a, b"])]


def test_wrong_number_of_cells(parse):
    records = parse("id,title\n1\n2,b\n3,c,d\n")
    assert [line for line, _ in records] == [2, 3, 4]
    assert records[0][1] == "1 cells where the header has 2"
    assert records[2][1] == "3 cells where the header has 2"


def test_bytes_that_are_not_utf8_cost_one_row(parse):
    records = parse(b"id,title\n1,caf\xe9\n2,caf\xc3\xa9\n")
    assert "UTF-8" in records[0][1]
    assert records[1] == (3, ["2", "café"])


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("rows_after", [0, 1, 5, 9000])
def test_unclosed_quote_costs_one_row(parse, rows_after, end):
    after = [f"{i},{'title ' * 20}" for i in range(rows_after)]
    if rows_after > 5:
        assert len("\n".join(after)) > MAX_CELL_CHARS
    records = parse("\n".join(["id,title", "a,b", 'x,"open', *after]) + end)
    assert records[0] == (2, ["a", "b"])
    assert (records[1][0], "quote" in records[1][1]) == (3, True)
    assert records[2:] == [(4 + i, row.split(",")) for i, row in enumerate(after)]


def test_unclosed_quote_before_a_quoted_row(parse):
    records = parse('id,title\n1,"open\n2,b\n3,"closed, here"\n4,d\n')
    assert [line for line, _ in records] == [2, 3, 4, 5]
    assert "quote" in records[0][1]
    assert [cells for _, cells in records[1:]] == [["2", "b"], ["3", "closed, here"], ["4", "d"]]


def test_text_after_a_closing_quote(parse):
    records = parse('id,title\n1,"a"b\n2,c\n')
    assert "quote" in records[0][1]
    assert records[1] == (3, ["2", "c"])


def test_long_cell_on_one_line(parse):
    fine = "x" * (MAX_CELL_CHARS - 1)
    records = parse(f"id,title\n1,{fine}\n2,{fine * 2}\n3,c\n")
    assert records[0] == (2, ["1", fine])
    assert isinstance(records[1][1], str)
    assert records[2] == (4, ["3", "c"])


def test_any_sound_file_reads_as_the_csv_module_reads_it(write, parse):
    rng = random.Random(0)
    rows = [["".join(rng.choices('ab ,"\n\r\té', k=rng.randrange(8))) for _ in range(3)] for _ in range(500)]
    path = write("b.csv", "")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["x", "y", "z"], *rows])
    assert [cells for _, cells in parse(path.read_bytes())] == rows


def test_every_line_ends_up_in_one_record_whatever_the_quotes(parse):
    rng = random.Random(1)
    for _ in range(200):
        lines = ["".join(rng.choices('ab,"', k=rng.randrange(1, 8))) for _ in range(rng.randrange(1, 12))]
        numbers = [line for line, _ in parse("\n".join(["x,y", *lines]))]
        assert numbers == sorted(set(numbers))
        assert numbers[0] == 2


def test_header_names(write):
    table = open_delimited(Source(write("a.csv", "\ufeff,id, title \n")), ",")
    assert table.schema.names == ["column_1", "id", "title"]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_no_header_no_columns(write, content):
    assert open_delimited(Source(write("a.csv", content)), ",").schema.names == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id,tit\xe9\n", "not UTF-8"),
        ("id,title\n".encode("utf-16-le"), "not UTF-8"),
        (b'id,"title\n', "header cannot be read"),
    ],
)
def test_bad_header(write, header, message):
    with pytest.raises(CatalogError, match=message):
        open_delimited(Source(write("a.csv", header)), ",")
