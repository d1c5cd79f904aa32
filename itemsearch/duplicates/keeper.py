"""Which listing of a group to keep."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from itemsearch.duplicates.linkage import Ints
from itemsearch.errors import UsageError
from itemsearch.search.where import as_numbers

KEEP_BY = ("complete", "picture")
"""What decides by default, the first before the second; the lowest id settles what they do not."""
_UNCOUNTED = frozenset({"id", "content_hash", "has_title", "has_image"})

Key = npt.NDArray[np.int64]


def rank_keepers(products: pa.Table, rows: Ints, keep_by: Sequence[str]) -> Key:
    """(K,) the place, from 0, of each of K products among them all; the one to keep comes first.

    Args:
        keep_by: "complete" (the most cells filled, then the longest title), "picture" (the most pixels of the
            thumbnail, then the most bytes), or a column: its lowest value first, such as the oldest date, or
            with a minus before it its highest; what has no value comes last.

    Raises:
        UsageError: no such column, or one of values that have no order.
    """
    keys: list[Key] = []
    for way in keep_by:
        if way == "complete":
            keys += _completeness(products, rows)
        elif way == "picture":
            keys += _pictures(products, rows)
        else:
            keys.append(_values(products, rows, way))
    keys.append(_rank(products["id"].take(pa.array(rows)), "ascending"))
    order = np.lexsort(keys[::-1])
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _completeness(products: pa.Table, rows: Ints) -> list[Key]:
    filled = np.zeros(len(rows), np.int64)
    for name in products.column_names:
        if name not in _UNCOUNTED:
            held = _without_empty(products[name].take(pa.array(rows)))
            filled += held.is_valid().to_numpy()
    if "title" not in products.column_names:
        return [-filled]
    lengths = pc.fill_null(pc.utf8_length(products["title"].take(pa.array(rows))), 0)
    return [-filled, -lengths.to_numpy().astype(np.int64)]


def _pictures(products: pa.Table, rows: Ints) -> list[Key]:
    if "thumbnail" not in products.column_names:
        return []
    pictures = products["thumbnail"].take(pa.array(rows))
    bytes_ = pc.fill_null(pc.binary_length(pictures), 0).to_numpy().astype(np.int64)
    pixels = np.array([_pixels(picture.as_py()) for picture in pictures], np.int64)
    return [-pixels, -bytes_]


def _pixels(picture: bytes | None) -> int:
    if picture is None:
        return 0
    with Image.open(io.BytesIO(picture)) as image:  # reads the head of the file alone
        return image.width * image.height


def _values(products: pa.Table, rows: Ints, way: str) -> Key:
    name = way if way in products.column_names else way.removeprefix("-")
    if name not in products.column_names:
        present = ", ".join(map(repr, products.column_names))
        raise UsageError(f"--keep-by {way!r}: neither complete, picture nor a column; those are {present}")
    order = "ascending" if name == way else "descending"
    try:
        return _rank(_without_empty(as_numbers(products[name])).take(pa.array(rows)), order)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        kind = products[name].type
        raise UsageError(f"--keep-by {way!r}: the column is {kind}, whose values have no order") from error


def _without_empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.if_else(pc.equal(column, ""), None, column)
    return column


def _rank(column: pa.ChunkedArray, order: str) -> Key:
    """(K,) equal for equal values; those without one come last."""
    ranks = pc.rank(column, sort_keys=order, tiebreaker="dense")
    numbers: Key = ranks.to_numpy().astype(np.int64)
    return numbers
