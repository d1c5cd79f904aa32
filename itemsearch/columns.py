"""Reads text columns of Arrow tables, and words the message about a column that a table lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

COMMA_NUMBER = r"^-?(0|[1-9][0-9]{0,14}|[1-9][0-9]{0,2}(\.[0-9]{3})+)(,[0-9]+)?$"
SHOWS_DECIMALS = r",([0-9]{1,2}|[0-9]{4,})$"
OWN_COLUMNS = frozenset(
    {
        *("id", "title", "category", "embedding", "category_embedding", "content_hash"),
        *("has_title", "has_image", "thumbnail"),
        *("other_pictures", "image_number", "image_name", "image_problem"),
    }
)
"""The columns that a store has of its own, beside those that it carries from the catalog."""

_OF_CATALOG = "catalog."
FEW_ROWS = 1000
"""Texts of rows that are read one by one: Arrow's `take` first joins all chunks of the column, which cost a
query on 1,000,000 listings 2 to 7 ms a column, and its functions take time to import."""


def stored_name(name: str) -> str:
    """The name that a catalog's column has in a store and in all that is made of it.

    It is its own, unless a store has a column of that name itself: `embedding` is stored as
    `catalog.embedding`. No two columns of a catalog get one name, since one that is called
    `catalog.embedding` is stored as `catalog.catalog.embedding`.
    """
    return f"{_OF_CATALOG}{name}" if _is_own(name) else name


def catalog_name(stored: str) -> str:
    """The catalog's name of a column that `stored_name` names; of the store's own columns, their name."""
    is_renamed = stored.startswith(_OF_CATALOG) and _is_own(stored)
    return stored.removeprefix(_OF_CATALOG) if is_renamed else stored


def _is_own(name: str) -> bool:
    while name.startswith(_OF_CATALOG):
        name = name.removeprefix(_OF_CATALOG)
    return name in OWN_COLUMNS


def no_column(columns: Iterable[str], *missing: str, purpose: str = "") -> str:
    """Says which column is missing and which there are.

    Args:
        columns: the columns that the table has.
        missing: the column that was looked for; several where one of them would do.
        purpose: what the column is for, put after its name: " to differ in".
    """
    return (
        f"no column {' or '.join(map(repr, missing))}{purpose}; "
        f"the columns are {', '.join(map(repr, columns)) or 'none'}"
    )


def is_text_type(kind: pa.DataType) -> bool:
    """Whether the cells of an Arrow type are text, however they are stored."""
    if pa.types.is_dictionary(kind):
        return is_text_type(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def take_rows(table: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
    """(R,) rows of a table, as `pa.Table.take`, which has no way with views: those become plain bytes."""
    taken = {
        name: take_bytes(table[name], rows)
        if pa.types.is_binary_view(table[name].type)
        else table[name].take(pa.array(rows))
        for name in table.column_names
    }
    return pa.table(taken)


def take_bytes(column: pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> pa.Array:
    """(R,) cells of a column of bytes, which may be views."""
    return pa.array([column[row].as_py() for row in rows.tolist()], pa.binary())


def read_texts(
    table: pa.Table | pa.RecordBatch, name: str, rows: npt.NDArray[np.int64] | None = None
) -> list[str]:
    """The texts of a column, in all N rows or in (R,) `rows`.

    "" stands for a missing cell, and for every cell where the table has no such column, or one of lists,
    structs or bytes that are no text.
    """
    count = table.num_rows if rows is None else len(rows)
    if name not in table.schema.names:
        return [""] * count
    column = table[name]
    if rows is not None:
        if len(rows) <= FEW_ROWS and is_text_type(column.type):
            return [column[row].as_py() or "" for row in rows.tolist()]
        column = column.take(pa.array(rows))
    if pa.types.is_nested(column.type):
        return [""] * count
    try:
        return [text or "" for text in as_texts(column).to_pylist()]
    except pa.ArrowException:
        return [""] * count


def as_texts(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Writes the values of a column as people do, and lists and structs as JSON.

    A number that is whole has no fraction and none has an exponent; NaN is null.

    Raises:
        pa.ArrowException: the type cannot be written as text, or bytes are not UTF-8.
    """
    kind = column.type
    if pa.types.is_nested(kind):
        values = column.to_pylist()
        texts = [
            None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in values
        ]
        return pa.array(texts, pa.string())
    if not pa.types.is_floating(kind):
        return column.cast(pa.string())
    texts = column.cast(pa.float32() if pa.types.is_float16(kind) else kind).cast(pa.string()).to_pylist()
    return pa.array([None if text is None else _plain_number(text) for text in texts], pa.string())


def _plain_number(text: str) -> str | None:
    if text == "nan":
        return None
    return f"{Decimal(text):f}" if "e" in text else text


def have_decimal_commas(cells: Iterable[str]) -> bool:
    """Whether all cells but the empty are numbers with a decimal comma, such as "19,90", "5" and "1.299,00".

    One at least has not three digits after its comma, where "1,299" could be a thousand.
    """
    filled = [cell for cell in cells if cell]
    return all(re.match(COMMA_NUMBER, cell) for cell in filled) and any(
        re.search(SHOWS_DECIMALS, cell) for cell in filled
    )
