"""Reads text columns of Arrow tables, and words the message about a column that a table lacks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

OWN_COLUMNS = frozenset(
    {
        *("id", "title", "category", "embedding", "content_hash", "has_title", "has_image", "thumbnail"),
        *("other_pictures", "image_number", "image_name", "image_problem"),
    }
)
"""The columns that a store has of its own, beside those that it carries from the catalog."""

_OF_CATALOG = "catalog."


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


def read_texts(
    table: pa.Table | pa.RecordBatch, name: str, rows: npt.NDArray[np.int64] | None = None
) -> list[str]:
    """The texts of a column, in all N rows or in (R,) `rows`.

    "" stands for a missing cell, and for every cell where the table has no such column or Arrow cannot write
    its type as text.
    """
    count = table.num_rows if rows is None else len(rows)
    if name not in table.schema.names:
        return [""] * count
    column = table[name] if rows is None else table[name].take(pa.array(rows))
    try:
        return [text or "" for text in column.cast(pa.string()).to_pylist()]
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [""] * count
