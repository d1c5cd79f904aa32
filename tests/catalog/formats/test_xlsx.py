from __future__ import annotations

import datetime as dt
import io
import random
import zipfile

import pytest
import xlsxwriter

from itemsearch.catalog import CatalogConfig, ReadOptions, open_catalog
from itemsearch.errors import CatalogError, EmptyCatalogError

ROWS = [["id", "title"], ["1", "Mug"], ["2", "Bowl"]]


@pytest.fixture
def save(tmp_path):
    """save(sheet name=rows) -> the path of an Excel file; a date is written as a date."""

    def to_file(path=tmp_path / "shop.xlsx", hidden=(), **sheets):
        formats = {
            dt.datetime: "yyyy-mm-dd hh:mm:ss",
            dt.date: "d/m/yy",
            dt.time: "hh:mm",
            dt.timedelta: "[h]:mm",
        }
        with xlsxwriter.Workbook(str(path)) as book:
            formats = {kind: book.add_format({"num_format": form}) for kind, form in formats.items()}
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                for i, row in enumerate(rows):
                    for j, value in enumerate(row):
                        sheet.write(i, j, value, formats.get(type(value)))
                if name in hidden:
                    sheet.hide()
        return path

    return to_file


def test_cells_as_people_see_them(save, read_one):
    row = {
        "id": "00123",
        "whole": 4006381333931,
        "float": 29.5,
        "sum": 0.1 + 0.2,
        "small": 1e-7,
        "large": 1e20,
        "yes": True,
        "date": dt.date(2026, 2, 28),
        "time": dt.datetime(2026, 2, 28, 10, 5),
        "clock": dt.time(3, 4),
        "lasts": dt.timedelta(hours=26),
        "formula": "=1+1",
        "text": " a\nb ",
        "none": "",
        2024: "year",
    }
    description, (cells,) = read_one(save(Products=[list(row), list(row.values())]))
    assert description == "xlsx, sheet Products"
    assert cells == {
        "id": "00123",
        "whole": "4006381333931",
        "float": "29.5",
        "sum": "0.3",
        "small": "0.0000001",
        "large": "100000000000000000000",
        "yes": "TRUE",
        "date": "2026-02-28",
        "time": "2026-02-28 10:05:00",
        "clock": "03:04:00",
        "lasts": "26:00:00",
        "formula": "0",  # what the file was saved with
        "text": " a\nb ",
        "none": None,
        "2024": "year",
    }


def test_blank_rows_and_columns_without_a_name(save, read_one):
    rows = [[], ["id", "", "title"], [], [1, "x", "Mug"], ["", "", ""], [2, "", "Bowl", "", "note"]]
    _, records = read_one(save(Sheet1=rows))
    assert [list(record.values()) for record in records] == [
        ["1", "x", "Mug", None, None],
        ["2", None, "Bowl", None, "note"],
    ]
    assert list(records[0]) == ["id", "column_2", "title", "column_4", "column_5"]


def test_place_is_the_row_of_the_sheet(save):
    path = save(Sheet1=[[], ["id", "title"], [], [1, ""], [2, "Mug"]])
    (batch,) = open_catalog(CatalogConfig(str(path))).batches()
    assert [reject.message for reject in batch.rejects] == ["shop.xlsx row 4: no title and no image"]


def test_first_sheet_that_is_shown_and_has_rows(save, read_one):
    path = save(Empty=[], Help=[["id", "title"], ["x", "x"]], Products=ROWS, More=[["a"]], hidden=["Help"])
    description, records = read_one(path)
    assert (description, len(records)) == ("xlsx, sheet Products of 4 sheets", 2)
    assert read_one(path, sheet="More") == ("xlsx, sheet More of 4 sheets", [])
    with pytest.raises(
        CatalogError, match=r"shop\.xlsx: no sheet 'products'; the sheets are 'Empty', 'Help', 'P"
    ):
        open_catalog(CatalogConfig(str(path), read=ReadOptions(sheet="products")))


@pytest.mark.parametrize("name", ["shop.csv", "export", "shop.xlsx"])
def test_by_its_bytes(save, read_one, tmp_path, name):
    assert read_one(save(tmp_path / name, Sheet1=ROWS))[1] == [
        {"id": "1", "title": "Mug"},
        {"id": "2", "title": "Bowl"},
    ]


def test_in_a_zip(save, read_one, tmp_path, write):
    content = save(Sheet1=ROWS).read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/shop.xlsx", content)
    assert len(read_one(write("shop.zip", buffer.getvalue()))[1]) == 2


def test_no_rows(save):
    with pytest.raises(EmptyCatalogError):
        list(open_catalog(CatalogConfig(str(save(Sheet1=[])))).batches())
    with pytest.raises(EmptyCatalogError):
        list(open_catalog(CatalogConfig(str(save(Sheet1=[["id", "title"]])))).batches())


def test_column_named_twice(save, read_one):
    path = save(Sheet1=[["id", "title", "id"], [1, "a", 2]])
    assert read_one(path)[1] == [{"id": "1", "title": "a", "id_2": "2"}]


def test_a_cell_far_outside_is_refused_before_it_fills_the_memory(save):
    path = save(Sheet1=ROWS)
    parts = {}
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("</sheetData>", far).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(CatalogError, match=r"1,048,576 rows and 16,384 columns.*save it as CSV"):
        open_catalog(CatalogConfig(str(path)))


def test_damage_is_one_line_that_names_the_file(save):
    path = save(Sheet1=[["id", "title"], *([str(i), f"title {i}"] for i in range(500))])
    clean = path.read_bytes()
    rng = random.Random(0)
    problems = []
    for i in range(60):
        data = bytearray(clean)
        if i % 2:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            del data[rng.randrange(4, len(data)) :]
        path.write_bytes(data)
        try:
            batches = list(open_catalog(CatalogConfig(str(path))).batches())
        except CatalogError as error:
            problems.append(str(error))
        else:
            assert sum(batch.rows for batch in batches) == 500
    assert all("shop.xlsx" in problem and "\n" not in problem for problem in problems)
    assert len(problems) > 30
