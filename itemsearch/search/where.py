"""Evaluates an SQL condition on the columns of listings, with DuckDB."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.columns import COMMA_NUMBER, SHOWS_DECIMALS, no_column
from itemsearch.errors import UsageError

_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "python_enable_replacements": False,
}
"""A condition reads the listings: no file, no extension, no Python variable."""

_ROW = "itemsearch row"
_OWN_TEXT = frozenset({"id", "title", "category", "content_hash"})
_PLAIN_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$"
_UNKNOWN_COLUMN = re.compile(r'Referenced column "(.+)" not found')
_KIND = re.compile(r"^[\w ]+ Error: ")
_TYPES_DIFFER = re.compile(r"explicit (type )?cast")


def rows_where(listings: pa.Table, condition: str) -> npt.NDArray[np.bool_]:
    """(N,) bool: whether each listing meets an SQL condition; one for which it is null does not.

    A carried text column of plain numbers, such as the prices of a CSV file, is compared as numbers; a column
    with a 007 in it stays text.

    Raises:
        UsageError: it is no condition, names a column that is not there, or compares types that cannot be.
    """
    import duckdb  # 0.1 s that a search without a filter need not wait for

    table = _columns_of(listings, condition)
    try:
        condition.encode()  # a shell lets through bytes that are not UTF-8; DuckDB would raise a TypeError
        with duckdb.connect(config=_SEALED) as connection:
            parsed = duckdb.SQLExpression(condition)
            relation = connection.from_arrow(table)
            types = [str(kind) for kind in relation.project(parsed).types]
            if types != ["BOOLEAN"]:
                raise UsageError(f"the filter {condition!r} is {', '.join(types)}: write a condition")
            chosen = relation.filter(parsed).project(duckdb.ColumnExpression(_ROW)).to_arrow_table()
    except (duckdb.Error, UnicodeEncodeError) as error:
        raise UsageError(_message(condition, str(error), listings.column_names)) from error
    mask = np.zeros(listings.num_rows, bool)
    mask[chosen[_ROW].to_numpy()] = True
    return mask


def _columns_of(listings: pa.Table, condition: str) -> pa.Table:
    """The columns whose names are in the condition, and each row's number.

    Raises:
        UsageError: two of them differ in case alone, which SQL ignores.
    """
    text = condition.replace('""', '"').casefold()
    names = [name for name in listings.column_names if _is_in(name.casefold(), text)]
    for folded, count in Counter(map(str.casefold, names)).items():
        if count > 1:
            raise UsageError(f"the filter {condition!r}: there are {count} columns {folded!r}; rename one")
    columns = {name: listings[name] if name in _OWN_TEXT else as_numbers(listings[name]) for name in names}
    return pa.table({**columns, _ROW: np.arange(listings.num_rows)})


def _is_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Casts a text column to int64 or float64 where all its cells are numbers, plain or with a decimal comma,
    or empty."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    filled = pc.if_else(pc.equal(column, ""), None, column)
    if (numbers := _read_decimal_commas(filled)) is not None:
        return numbers
    if (
        filled.null_count == len(filled)
        or not pc.all(pc.match_substring_regex(filled, _PLAIN_NUMBER)).as_py()
    ):
        return column
    whole = not pc.any(pc.match_substring(filled, ".")).as_py()
    return filled.cast(pa.int64() if whole else pa.float64())


def _read_decimal_commas(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Casts a text column of numbers with decimal commas to float64; None if it is another.

    Args:
        column: with null for the empty text.
    """
    shown = pc.any(pc.match_substring_regex(column, SHOWS_DECIMALS)).as_py()
    if not shown or not pc.all(pc.match_substring_regex(column, COMMA_NUMBER)).as_py():
        return None
    plain = pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
    return plain.cast(pa.float64())


def _message(condition: str, error: str, columns: list[str]) -> str:
    reason = _KIND.sub("", error.split("\n", 1)[0])
    if unknown := _UNKNOWN_COLUMN.search(error):
        reason = no_column(columns, unknown[1], purpose=" (text goes in 'single quotes')")
    elif _TYPES_DIFFER.search(error):
        reason += "; say which you mean with NAME::text or try_cast(NAME as double)"
    return f"the filter {condition!r}: {reason}"
