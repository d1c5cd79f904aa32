from __future__ import annotations

import csv
import random

import pytest
from support.tables import read_table

from itemsearch.catalog.formats.delimited import open_delimited
from itemsearch.catalog.formats.dialect import MAX_CELL_CHARS
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


@pytest.fixture
def parse(write):
    """parse(content, **options) -> [(line, cells or problem)] of a file's records."""

    def to_records(content, **options):
        return list(read_table(open_delimited(Source(write("a.csv", content)), ReadOptions(**options))))

    return to_records


def test_cells_are_text_as_written(parse):
    assert parse("id,price\n007, 1.50\n1e5,\n") == [(2, ["007", " 1.50"]), (3, ["1e5", ""])]


def test_quotes_newlines_and_blank_lines(parse):
    records = parse('id,title\n\n1,"two\nlines, ""quoted"""\n\r\n2,5" wide\n')
    assert records == [(3, ["1", 'two\nlines, "quoted"']), (6, ["2", '5" wide'])]


def test_tsv(parse):
    assert parse("id\ttitle\n1\ta, b\n") == [(2, ["1", "a, b"])]


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
    table = open_delimited(Source(write("a.csv", "\ufeff,id, title \n")), ReadOptions())
    assert table.schema.names == ["column_1", "id", "title"]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_no_header_no_columns(write, content):
    assert open_delimited(Source(write("a.csv", content)), ReadOptions()).schema.names == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id,tit\xe9,Gr\xc3\xb6\xc3\x9fe\n", "not UTF-8"),
        (b'id,"title\n', "header cannot be read"),
    ],
)
def test_bad_header(write, header, message):
    with pytest.raises(CatalogError, match=message):
        open_delimited(Source(write("a.csv", header)), ReadOptions())


FEED = (
    'id,title,price\n1,Plain mug,3\n2,"Duke desk lamp,9\n3,Monitor stand,8\n4,Arm for 24",7\n5,Table lamp,6\n'
)


def test_rows_that_a_quote_swallows_are_read_apart(parse):
    records = parse(FEED)
    assert [line for line, _ in records] == [2, 3, 4, 5, 6]
    assert "runs on into line 4, which looks like a row of its own" in records[1][1]
    assert [cells for _, cells in records[2:]] == [
        ["3", "Monitor stand", "8"],
        ["4", 'Arm for 24"', "7"],
        ["5", "Table lamp", "6"],
    ]


@pytest.mark.parametrize("options", [{}, {"quoting": "none"}])
def test_quotes_in_tsv_are_characters(parse, options):
    records = parse(FEED.replace(",", "\t"), **options)
    assert records[1:4] == [
        (3, ["2", '"Duke desk lamp', "9"]),
        (4, ["3", "Monitor stand", "8"]),
        (5, ["4", 'Arm for 24"', "7"]),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        '1\t"Mug 24"""\n2\tBowl',
        '1\t"Mug, 24"\n2\tBowl',
        '"1"\t"Mug"\n"2"\t"Bowl"',
        '1\t"two\nlines"\n2\tBowl',
    ],
)
def test_quotes_in_tsv_that_is_consistently_quoted(parse, rows):
    records = parse(f"id\ttitle\n{rows}\n")
    assert len(records) == 2
    assert not any(cell.startswith('"') for _, cells in records for cell in cells)


@pytest.mark.parametrize(
    "text",
    [
        "Soft, warm\nand light",
        "Sizes:\n38, small\n40, large",  # a space after the comma
        "Width,30\nHeight,40",  # not the shape of an id
        "1,2,3\n4,5,6",  # not the width of the header
        "\n\n",
    ],
)
def test_a_text_of_several_lines_is_one_cell(parse, text):
    assert parse(f'id,text\n1,Mug\n2,"{text}"\n3,Bowl\n')[1:] == [
        (3, ["2", text]),
        (4 + text.count("\n"), ["3", "Bowl"]),
    ]


def test_ids_of_letters_and_digits_that_were_not_seen(parse):
    rows = "".join(f"{uuid},Mug\n" for uuid in ("3f2a-91bc", "77aa-1d2e", "a1b2-c3d4"))
    records = parse(f'id,title\n{rows}e5e5-90ff,"Lamp\n12ab-0c0c,Arm 24"\n')
    assert "runs on into line 6" in records[3][1]
    assert records[4] == (6, ["12ab-0c0c", 'Arm 24"'])


def test_ids_need_not_be_the_first_column(parse):
    rows = "".join(f"Red mug number {'x' * i},K-{i}\n" for i in range(9))
    assert parse(f'title,sku\n{rows}"Soft,warm\nand,light",K-10\n')[-1][1] == ["Soft,warm\nand,light", "K-10"]
    swallowed = parse(f'title,sku\n{rows}"Lamp,K-10\nMug 24",K-11\n')
    assert "runs on into line 12" in swallowed[-2][1]


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ('id,title\n1,"Mug \\"XL\\" blue"\n2,Bowl\n', [["1", 'Mug "XL" blue'], ["2", "Bowl"]]),
        ("id,title\n1,'Mug, blue'\n2,Bowl\n", [["1", "Mug, blue"], ["2", "Bowl"]]),
        ('id, title\n1, "Mug, blue"\n2, Bowl\n', [["1", "Mug, blue"], ["2", "Bowl"]]),
        ("id,title\n1,'80s mug\n2,Bowl\n", [["1", "'80s mug"], ["2", "Bowl"]]),
        ("id|title\n1|Mug\n", [["1", "Mug"]]),
        ("id;title, short\n1;Mug, red\n", [["1", "Mug, red"]]),
        (
            "id;title;price, EUR\n1;Mug;4,99\n3;Cup;4,99\n2;Bo;wl;5,99\n",
            [["1", "Mug", "4,99"], ["3", "Cup", "4,99"], "4 cells where the header has 3"],
        ),
        ('"sep=|"\r\nid|title\r\n1|Mug\r\n', [["1", "Mug"]]),
        ("title\nMug, red\nBowl\n", [["Mug, red"], ["Bowl"]]),
        ("id,title\n1,M\0ug\n\0\0", [["1", "Mug"]]),
        ("id,title\r1,Mug\r2,Bowl\r", [["1", "Mug"], ["2", "Bowl"]]),
        ("id,title\r\n1,Mug\n2,Bowl\r3,Cup\r\n", [["1", "Mug"], ["2", "Bowl"], ["3", "Cup"]]),
    ],
)
def test_dialects(parse, content, records):
    assert [cells for _, cells in parse(content)] == records


def test_comments_are_left_out_between_records(parse):
    content = '# made 2024, "by\n\nid,title\n# more\n1,"a\n# no comment"\n2,#b\n'
    assert parse(content, comment="#") == [(5, ["1", "a\n# no comment"]), (7, ["2", "#b"])]
    with pytest.raises(CatalogError, match="say --comment '#'"):
        parse(content)


def test_the_line_of_a_row_after_a_sep_line(parse):
    assert parse("sep=;\nid;title\n1;Mug\n2\n") == [(3, ["1", "Mug"]), (4, "1 cells where the header has 2")]


def test_many_blocks_of_rows_of_several_lines(parse):
    rows = [[str(i), f"line\n{i}" if i % 7 == 0 else "a, b" if i % 3 == 0 else "x"] for i in range(3000)]
    content = "".join(f'{id},"{title}"\n' for id, title in rows)
    assert [cells for _, cells in parse(f"id,title\n{content}")] == rows
