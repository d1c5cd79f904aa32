"""Text columns of tables, and the message about one that is not there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from itemsearch.columns import no_column, read_texts


def test_text_columns_are_read_and_what_is_none_is_empty() -> None:
    table = pa.table({"title": ["mug", None, "cup"], "price": [1, 2, 3], "parts": [[1], [2], [3]]})
    assert read_texts(table, "title") == ["mug", "", "cup"]
    assert read_texts(table, "title", np.array([2, 1])) == ["cup", ""]
    assert read_texts(table, "price") == ["1", "2", "3"]
    assert read_texts(table, "parts") == read_texts(table, "none") == ["", "", ""]
    assert read_texts(table.to_batches()[0], "title", np.array([0])) == ["mug"]


def test_whole_numbers_stored_as_floats_keep_all_their_digits() -> None:
    table = pa.table({"gtin": [4006381333931.0, 36000291452.0, None, -3.0], "price": [4.5, 1e300, 2.0, 0.0]})
    assert read_texts(table, "gtin") == ["4006381333931", "36000291452", "", "-3"]
    assert read_texts(table, "price") == ["4.5", "1e+300", "2", "0"]


def test_the_message_names_what_is_missing_and_what_there_is() -> None:
    assert no_column(["id", "price"], "shop", purpose=" to differ in") == (
        "no column 'shop' to differ in; the columns are 'id', 'price'"
    )
    assert no_column([], "title", "image") == "no column 'title' or 'image'; the columns are none"
