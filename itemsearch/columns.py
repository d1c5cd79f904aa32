"""Reads text columns of Arrow tables, and words the message about a column that a table lacks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa


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
