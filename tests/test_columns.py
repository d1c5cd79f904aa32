"""Text columns of tables, and the message about one that is not there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from itemsearch.columns import (
    FEW_ROWS,
    OWN_COLUMNS,
    catalog_name,
    have_decimal_commas,
    no_column,
    read_texts,
    stored_name,
)
from itemsearch.search.text_readings import as_numbers


def test_text_columns_are_read_and_what_is_none_is_empty() -> None:
    table = pa.table({"title": ["mug", None, "cup"], "price": [1, 2, 3], "parts": [[1], [2], [3]]})
    assert read_texts(table, "title") == ["mug", "", "cup"]
    assert read_texts(table, "title", np.array([2, 1])) == ["cup", ""]
    assert read_texts(table, "price") == ["1", "2", "3"]
    assert read_texts(table, "parts") == read_texts(table, "none") == ["", "", ""]
    assert read_texts(table.to_batches()[0], "title", np.array([0])) == ["mug"]


def test_few_rows_of_many_are_read_alike() -> None:
    texts = [None if row % 7 == 3 else f"\u00e9 {row}" for row in range(3 * FEW_ROWS)]
    chunks = [texts[start : start + 50] for start in range(0, len(texts), 50)]
    rows = np.array([250, 3, 3, 49])
    expected = ["\u00e9 250", "", "", "\u00e9 49"]
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        column = pa.chunked_array([pa.array(chunk, kind) for chunk in chunks])
        few = read_texts(pa.table({"title": column}), "title", rows[:2])
        many = read_texts(pa.table({"title": column}), "title", np.tile(rows, 3))
        assert (few, many) == (expected[:2], expected * 3)


def test_whole_numbers_stored_as_floats_keep_all_their_digits() -> None:
    table = pa.table({"gtin": [4006381333931.0, 36000291452.0, None, -3.0], "price": [4.5, 0.25, 2.0, 0.0]})
    assert read_texts(table, "gtin") == ["4006381333931", "36000291452", "", "-3"]
    assert read_texts(table, "price") == ["4.5", "0.25", "2", "0"]


def test_the_message_names_what_is_missing_and_what_there_is() -> None:
    assert no_column(["id", "price"], "shop", purpose=" to differ in") == (
        "no column 'shop' to differ in; the columns are 'id', 'price'"
    )
    assert no_column([], "title", "image") == "no column 'title' or 'image'; the columns are none"


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["19,90", "5", None, "1.299,00"], [19.9, 5.0, None, 1299.0]),
        (["-0,5", "0"], [-0.5, 0.0]),
        (["1,299", "2,500"], None),  # thousands, or three digits after a decimal comma
        (["19.90", "5"], None),
        (["19,90", "5.10"], None),
        (["19,90", "5 EUR"], None),
        (["007,50"], None),
    ],
)
def test_decimal_commas(cells: list[str | None], numbers: list[float | None] | None) -> None:
    assert have_decimal_commas([cell or "" for cell in cells]) == (numbers is not None)
    read = as_numbers(pa.chunked_array([pa.array(cells, pa.string())]))
    assert (read.to_pylist() == numbers) == (numbers is not None)


def test_a_stored_name_is_the_stores_own_for_no_column_and_one_for_no_two() -> None:
    names = [
        "id",
        "Id",
        "catalog.id",
        "catalog.catalog.id",
        "catalog.price",
        "price",
        "embedding",
        "",
        "catalog.",
    ]
    stored = [stored_name(name) for name in names]
    assert stored[:3] == ["catalog.id", "Id", "catalog.catalog.id"]
    assert stored[4:6] == ["catalog.price", "price"]
    assert len(set(stored)) == len(names)
    assert not OWN_COLUMNS & set(stored)
    assert [catalog_name(name) for name in stored] == names
    assert [catalog_name(name) for name in sorted(OWN_COLUMNS)] == sorted(OWN_COLUMNS)
