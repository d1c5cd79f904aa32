from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from itemsearch.errors import UsageError
from itemsearch.search.where import rows_where

PRODUCTS = pa.table(
    {
        "id": ["1", "2", "3", "4"],
        "category": ["Watches", "Watches", "Mugs", None],
        "price": ["49.5", "50.00", "", "7"],
        "sku": ["007", "008", "7", "x"],
        "stock": pa.array([3, None, 5, 0]),
        "weight": pa.array([1.5, 2.5, None, 0.5], pa.float32()),
        "Seller's name": ["Ann", "Bob", "Ann", "Cy"],
        "odd": pa.array([1, 2, 3, 4], pa.float16()),
        "catalog.embedding": ["0.50", "0.6", "0.7", "0.8"],
        "size": [{"inner": 1}, {"inner": 2}, {"inner": 3}, {"inner": 4}],
        "thumbnail": [b"1", b"2", b"3", b"4"],
    }
)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("category = 'Watches' and price < 50", "1"),
        ("price < 50", "14"),
        ("price = 50", "2"),
        ("price is null", "3"),
        ("CATEGORY like 'W%'", "12"),
        ("category is null", "4"),
        ("not category = 'Watches'", "3"),  # of a product without a category it is not known
        ("sku = '007'", "1"),
        ("sku < '008'", "1"),
        ("try_cast(sku as int) = 7", "13"),
        ("stock between 1 and 5", "13"),
        ("weight * 2 >= 3", "12"),
        ("\"Seller's name\" in ('Ann', 'Cy')", "134"),
        ("id = '4' or id = '2' -- two of them", "24"),
        ("stock > 1000", ""),
        ("true", "1234"),
        ("price like '4%'", "1"),
        ("price = '50.00'", "2"),
        ("price = '50'", ""),
        ("price in ('50.00', '7')", "24"),
        ("price in ['50.00', '7']", "24"),
        ("price between '4' and '6' and price > 49.9", "2"),
        ("price::text = '50.00'", "2"),
        ("lower(price) = '50.00'", "2"),
        ("price || '!' = '7!'", "4"),
        ("abs(price) > 40", "12"),
        ("round(price, 0) = 50", "12"),
        ("price = ''", "3"),
        ("price <> ''", "124"),
        ("price in ('', '7')", "34"),
        ("price is not null", "124"),
        ("coalesce(price, '') = ''", "3"),
        ("length(price::text) = 5", "2"),
        ("category = ''", "4"),
        ("case price when '7' then true end", "4"),
        ("price COLLATE NOCASE = '7'", "4"),
        ("id > 2", "34"),
        ("price > stock", "14"),
        ("id = sku", ""),
        ("price = '50.00' or price < 8", "24"),
        ("catalog.embedding > 0.6", "34"),
        ("\"catalog.embedding\" = '0.50'", "1"),
        ("size.inner = 3", "3"),
    ],
)
def test_conditions(condition: str, ids: str) -> None:
    mask = rows_where(PRODUCTS, condition)
    assert mask.dtype == bool
    assert "".join(np.array(PRODUCTS["id"])[mask]) == ids


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("seller = 'Ann'", "no column 'seller' .*the columns are 'id', 'category', 'price'"),
        ("category = Watches", r"no column 'Watches' \(text goes in 'single quotes'\)"),
        ('category = "Watches"', "no column 'Watches'"),
        ("category = 'Watches", "unterminated"),
        ("price <", "syntax error"),
        ("  ", "selection list"),
        ("price", "is DOUBLE: write a condition"),
        ("*", "write a condition"),
        ("stock = 'many'", "Could not convert string 'many' to INT64"),
        ("sku < 7", r"explicit cast is required; say which you mean with .*try_cast\(NAME as double\)"),
        ("odd > 1", "the filter 'odd > 1': Unsupported"),
        ("count(*) > 1", "ggregates"),
        ("row_number() over () < 3", "window"),
        ("stock > 1, stock < 3", "a single expression"),
        ("stock > 1; drop table products", "statement"),
        ("stock > 1) union (select true", "syntax error"),
        ("stock > ?", "parameter"),
        ("no_such_function(stock)", "no_such_function"),
        ("\udc80 = 3", "surrogates not allowed"),
    ],
)
def test_what_is_no_condition_is_told_in_one_line(condition: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        rows_where(PRODUCTS, condition)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("the filter ")


def test_a_condition_reads_nothing_but_the_products(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    secret = pa.table({"a": [1]})
    for source in (
        f"read_csv('{tmp_path}/secret.csv')",
        f"'{tmp_path}/secret.csv'",
        f"read_text('{tmp_path}/secret.csv')",
        f"glob('{tmp_path}/*')",
        "secret",
        "PRODUCTS",
    ):
        with pytest.raises(UsageError, match=r"(Cannot access|does not exist)"):
            rows_where(PRODUCTS, f"exists(from {source})")
    assert secret.num_rows == 1


def test_columns_that_differ_in_case_alone_are_told_apart() -> None:
    listings = pa.table({"id": ["a"], "Price": [1], "price": [2]})
    assert rows_where(listings, "Price = 1 and price = 2").tolist() == [True]
    assert rows_where(listings, "price = 1 or Price = 2").tolist() == [False]
    with pytest.raises(UsageError, match="'PRICE' could be 'Price' or 'price': write which"):
        rows_where(listings, "PRICE < 2")


def test_text_is_text_however_arrow_stores_it() -> None:
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        listings = pa.table({"sku": pa.array(["90.750", "90.75", "", None]).cast(kind)})
        assert rows_where(listings, "sku = '90.750'").tolist() == [True, False, False, False]
        assert rows_where(listings, "sku = 90.75").tolist() == [True, True, False, False]
        assert rows_where(listings, "sku is null").tolist() == [False, False, True, True]
        assert rows_where(listings, "sku = ''").tolist() == [False, False, True, True]


def test_a_number_that_is_none_is_missing() -> None:
    listings = pa.table({"price": [1.0, float("nan"), None, 3.0]})
    assert rows_where(listings, "price > 2").tolist() == [False, False, False, True]
    assert rows_where(listings, "price is null").tolist() == [False, True, True, False]


def test_a_name_that_the_filter_uses_itself_can_be_a_column() -> None:
    listings = pa.table({"itemsearch row": ["1", "2"], "0 itemsearch row as text": ["a", "b"]})
    condition = "\"itemsearch row\" = '2' and \"0 itemsearch row as text\" = 'b'"
    assert rows_where(listings, condition).tolist() == [False, True]


def test_many_rows_in_chunks_are_those_of_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    kinds, prices = rng.choice(["a", "b", "c"], 300_000), rng.integers(0, 10_000, 300_000) / 100
    table = pa.table({"kind": kinds, "price": [f"{price:.2f}" for price in prices]})
    listings = pa.concat_tables([table.slice(start, 7_000) for start in range(0, 300_000, 7_000)])
    mask = rows_where(listings, "kind <> 'a' and price >= 99")
    np.testing.assert_array_equal(mask, (kinds != "a") & (prices >= 99))


def test_duckdb_is_loaded_by_a_filter_alone() -> None:
    script = "import sys, itemsearch.search.engine; print({'duckdb', 'pyarrow.compute'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_decimal_comma_is_read_where_the_column_shows_it() -> None:
    listings = pa.table({"id": ["a", "b", "c"], "preis": ["19,90", "1.299,00", "5"]})
    assert rows_where(listings, "preis < 20").tolist() == [True, False, True]
