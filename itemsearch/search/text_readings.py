"""Reads columns of Arrow tables in the ways that a condition asks for."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.columns import COMMA_NUMBER, SHOWS_DECIMALS, is_text_type

_PLAIN_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$"


class Reading(StrEnum):
    """How the cells of a text column are read."""

    NUMBERS = "numbers"
    TEXT = "text"
    EMPTY_TEXT = "text or ''"


def read_as(cells: pa.ChunkedArray, reading: Reading) -> pa.ChunkedArray:
    """Reads a text column; as numbers only where all its cells are plain numbers or empty."""
    if reading is Reading.NUMBERS:
        numbers = as_numbers(cells)
        return without_empty(cells) if is_text_type(numbers.type) else numbers
    text = without_empty(cells)
    return text if reading is Reading.TEXT else pc.fill_null(text, "")


def as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Casts a text column to int64 or float64 where all its cells are numbers, plain or with a decimal comma,
    or empty."""
    if not is_text_type(column.type):
        return column
    filled = without_empty(column)
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


def without_empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column with null for the empty text."""
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with null for the numbers that are none, by which pandas writes a missing cell."""
    if not pa.types.is_floating(column.type) or pa.types.is_float16(column.type):
        return column
    return pc.if_else(pc.is_nan(column), None, column)
