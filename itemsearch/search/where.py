"""Evaluates an SQL condition on the columns of listings, with DuckDB."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.columns import no_column
from itemsearch.errors import UsageError
from itemsearch.search.where_columns import Readings, rewrite

if TYPE_CHECKING:
    import duckdb

_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "python_enable_replacements": False,
}
"""A condition reads the listings: no file, no extension, no Python variable."""

_ROW = "itemsearch row"
_UNKNOWN_COLUMN = re.compile(r'Referenced column "(.+)" not found')
_KIND = re.compile(r"^[\w ]+ Error: ")
_TYPES_DIFFER = re.compile(r"explicit (type )?cast")


def rows_where(listings: pa.Table, condition: str) -> npt.NDArray[np.bool_]:
    """(N,) bool: whether each listing meets an SQL condition; one for which it is null does not.

    How a text column is read, such as the prices of a CSV file, depends on what it stands beside
    (`where_columns.Readings`): beside 'quoted' text it is text, else numbers if all its cells are plain
    numbers; a column with a 007 in it stays text. An empty cell is null, and equal to ''.

    Raises:
        UsageError: it is no condition, names a column that is not there, or compares types that cannot be.
    """
    import duckdb  # 0.1 s that a search without a filter need not wait for

    try:
        condition.encode()  # a shell lets through bytes that are not UTF-8; DuckDB would raise a TypeError
        with duckdb.connect(config=_SEALED) as connection:
            duckdb.SQLExpression(condition)  # one expression, no statement
            readings = Readings(listings)
            parsed = duckdb.SQLExpression(rewrite(connection, condition, readings))
            relation = connection.from_arrow(readings.table(_ROW))
            mask = _chosen(relation, parsed, condition, listings.num_rows)
    except (duckdb.Error, UnicodeEncodeError) as error:
        raise UsageError(_message(condition, str(error), listings.column_names)) from error
    return mask


def _chosen(
    relation: duckdb.DuckDBPyRelation, parsed: duckdb.Expression, condition: str, rows: int
) -> npt.NDArray[np.bool_]:
    import duckdb

    types = [str(kind) for kind in relation.project(parsed).types]
    if types != ["BOOLEAN"]:
        raise UsageError(f"the filter {condition!r} is {', '.join(types)}: write a condition")
    chosen = relation.filter(parsed).project(duckdb.ColumnExpression(_ROW)).to_arrow_table()
    mask = np.zeros(rows, bool)
    mask[chosen[_ROW].to_numpy()] = True
    return mask


def _message(condition: str, error: str, columns: list[str]) -> str:
    reason = _KIND.sub("", error.split("\n", 1)[0])
    if unknown := _UNKNOWN_COLUMN.search(error):
        reason = no_column(columns, unknown[1], purpose=" (text goes in 'single quotes')")
    elif _TYPES_DIFFER.search(error):
        reason += "; say which you mean with NAME::text or try_cast(NAME as double)"
    return f"the filter {condition!r}: {reason}"
