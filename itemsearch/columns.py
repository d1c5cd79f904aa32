"""Reads text columns of Arrow tables, and words the message about a column that a table lacks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2.0**53
"""From here on float64 does not have every whole number."""


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


def read_texts(
    table: pa.Table | pa.RecordBatch, name: str, rows: npt.NDArray[np.int64] | None = None
) -> list[str]:
    """The texts of a column, in all N rows or in (R,) `rows`.

    "" stands for a missing cell, and for every cell where the table has no such column or Arrow cannot write
    its type as text. A whole number is written as one, whatever its type: a column of numbers in which some
    are missing is often stored as float64.
    """
    count = table.num_rows if rows is None else len(rows)
    if name not in table.schema.names:
        return [""] * count
    column = table[name] if rows is None else table[name].take(pa.array(rows))
    try:
        return [text or "" for text in _as_text(column).to_pylist()]
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [""] * count


def _as_text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """The cells as text; of float64, whole numbers below `EXACT` have all their digits."""
    if not pa.types.is_float64(column.type):
        return column.cast(pa.string())
    whole = pc.and_(pc.equal(pc.trunc(column), column), pc.less(pc.abs(column), EXACT))
    digits = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(digits, column.cast(pa.string()))
