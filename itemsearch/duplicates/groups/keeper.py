"""Ranks the listings of a group by which of them to keep."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from itemsearch.columns import take_bytes
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Ints
from itemsearch.search.text_readings import as_numbers

KEEP_BY = ("complete", "picture")
"""The default criteria, in order; the lowest id breaks ties."""
_UNCOUNTED = frozenset(
    {
        *("id", "content_hash", "has_title", "has_image"),
        *("other_pictures", "image_number", "image_name", "image_problem"),
    }
)
"""Columns that do not count as filled cells: every listing has them, or they tell of its picture."""
BLOCK_LISTINGS = 8192


def rank_keepers(listings: pa.Table, rows: Ints, keep_by: Sequence[str]) -> Ints:
    """(K,) the rank, from 0, of each of the K listings `rows`; the listing to keep comes first.

    Args:
        keep_by: "complete" (the most cells filled, then the longest title), "picture" (the most pixels of the
            thumbnail, then the most bytes), or a column: its lowest value first, such as the oldest date, or
            with a minus before it its highest; listings without a value come last.

    Raises:
        UsageError: an unknown column, or one whose values have no order.
    """
    keys: list[Ints] = []
    for criterion in keep_by:
        if criterion == "complete":
            keys += _completeness(listings, rows)
        elif criterion == "picture":
            keys += _pictures(listings, rows)
        else:
            keys.append(_values(listings, rows, criterion))
    keys.append(_rank(listings["id"].take(pa.array(rows)), "ascending"))
    order = np.lexsort(keys[::-1])
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _completeness(listings: pa.Table, rows: Ints) -> list[Ints]:
    filled = np.zeros(len(rows), np.int64)
    for name in listings.column_names:
        if name not in _UNCOUNTED:
            for start in range(0, len(rows), BLOCK_LISTINGS):  # thumbnails are large
                block = slice(start, start + BLOCK_LISTINGS)
                taken = pa.array(rows[block])
                if pa.types.is_binary_view(listings[name].type):
                    filled[block] += listings[name].is_valid().take(taken).to_numpy()
                else:
                    filled[block] += _without_empty(listings[name].take(taken)).is_valid().to_numpy()
    if "title" not in listings.column_names:
        return [-filled]
    lengths = pc.fill_null(pc.utf8_length(listings["title"].take(pa.array(rows))), 0)
    return [-filled, -lengths.to_numpy().astype(np.int64)]


def _pictures(listings: pa.Table, rows: Ints) -> list[Ints]:
    if "thumbnail" not in listings.column_names:
        return []
    pixels, bytes_ = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), BLOCK_LISTINGS):
        block = slice(start, start + BLOCK_LISTINGS)
        pictures = take_bytes(listings["thumbnail"], rows[block])
        bytes_[block] = pc.fill_null(pc.binary_length(pictures), 0).to_numpy()
        pixels[block] = [_pixels(picture.as_py()) for picture in pictures]
    return [-pixels, -bytes_]


def _pixels(picture: bytes | None) -> int:
    if picture is None:
        return 0
    with Image.open(io.BytesIO(picture)) as image:  # reads only the header of the file
        return image.width * image.height


def _values(listings: pa.Table, rows: Ints, criterion: str) -> Ints:
    name = criterion if criterion in listings.column_names else criterion.removeprefix("-")
    if name not in listings.column_names:
        present = ", ".join(map(repr, listings.column_names))
        raise UsageError(
            f"--keep-by {criterion!r}: neither complete, picture nor a column; those are {present}"
        )
    order = "ascending" if name == criterion else "descending"
    try:
        return _rank(_without_empty(as_numbers(listings[name])).take(pa.array(rows)), order)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        kind = listings[name].type
        raise UsageError(
            f"--keep-by {criterion!r}: the column is {kind}, whose values have no order"
        ) from error


def _without_empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.if_else(pc.equal(column, ""), None, column)
    return column


def _rank(column: pa.ChunkedArray, order: str) -> Ints:
    """(K,) ranks, equal for equal values; missing values come last."""
    ranks = pc.rank(column, sort_keys=order, tiebreaker="dense")
    numbers: Ints = ranks.to_numpy().astype(np.int64)
    return numbers
