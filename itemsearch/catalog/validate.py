"""Checks the cells of a record: missing, repeated or malformed ids, titles, images and embeddings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from itemsearch.catalog.cell_text import BadCellError, category_text, cell_text
from itemsearch.catalog.pictures import picture_sources
from itemsearch.errors import ImageError
from itemsearch.titles import fold_title, is_no_title
from itemsearch.types import ImageProblem, Reject, RejectReason

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Cells:
    """A valid record whose pictures are not read yet.

    images: the bytes, path or address of each. image_problem: why they cannot be told from the cell.
    no_title: as written, a title that is none, for which `title` is "".
    """

    row: int
    place: str
    id: str
    title: str
    category: str
    images: tuple[bytes | str, ...]
    embedding: np.ndarray | None
    image_problem: ImageProblem | None = None
    no_title: str = ""


class RowValidator:
    """Turns the records of one catalog into cells or rejects.

    It keeps every id and the length of the first embedding. An id belongs to its first row, even where that
    row was rejected.
    """

    def __init__(self, category_separator: str = "") -> None:
        self._category_separator = category_separator
        self._first_rows: dict[str, int] = {}
        self._dimension = 0

    def check(self, row: int, place: str, record: Mapping[str, object]) -> Cells | Reject:
        """Checks a record, a mapping of role to cell; a role may be left out."""
        row_id = ""
        try:
            row_id = self._id(row, record.get("id"))
            written = fold_title(cell_text("title", record.get("title")))
            title, no_title = ("", written) if is_no_title(written) else (written, "")
            images, image_problem = _images(place, record.get("image"))
            cells = Cells(
                row=row,
                place=place,
                id=row_id,
                title=title,
                category=category_text(record.get("category"), self._category_separator),
                images=images,
                embedding=self._embedding(record.get("embedding")),
                image_problem=image_problem,
                no_title=no_title,
            )
        except BadCellError as error:
            return Reject(row, row_id or error.id, error.reason, f"{place}: {error}")
        if not (cells.title or images or image_problem or cells.embedding is not None):
            why = f": {no_title!r:.60} is no title" if no_title else ""
            message = f"{place}: no title and no image{why}"
            return Reject(row, row_id, RejectReason.EMPTY, message, no_title)
        return cells

    def _id(self, row: int, value: object) -> str:
        row_id = cell_text("id", value).strip()
        if not row_id:
            raise BadCellError("no id", RejectReason.MISSING_ID)
        if _CONTROL_CHARACTERS.search(row_id):
            raise BadCellError(f"the id {row_id!r:.60} holds a control character", id=row_id)
        first_row = self._first_rows.setdefault(row_id, row)
        if first_row != row:
            message = f"the id {row_id!r:.60} is that of row {first_row} already"
            raise BadCellError(message, RejectReason.DUPLICATE_ID, row_id)
        return row_id

    def _embedding(self, value: object) -> np.ndarray | None:
        if value is None or value == "":
            return None
        embedding = _vector(value)
        self._dimension = self._dimension or len(embedding)
        if len(embedding) != self._dimension:
            raise BadCellError(
                f"the embedding has {len(embedding)} numbers where the first has {self._dimension}"
            )
        return embedding


def _images(place: str, cell: object) -> tuple[tuple[bytes | str, ...], ImageProblem | None]:
    """The pictures of a cell, or why it holds none."""
    try:
        return picture_sources(cell), None
    except ImageError as error:
        return (), ImageProblem(RejectReason.IMAGE_MALFORMED, place, str(error))


def _vector(value: object) -> np.ndarray:
    numbers = value
    if isinstance(value, str):
        try:
            numbers = json.loads(value)
        except ValueError:
            numbers = None
    if not isinstance(numbers, list) or any(type(number) not in (int, float) for number in numbers):
        raise BadCellError(f"the embedding is {value!r:.60}: write it as a list of numbers")
    with np.errstate(over="ignore"):
        vector = np.array(numbers, np.float64).astype(np.float32)
    if not np.isfinite(vector).all():
        raise BadCellError("the embedding holds a number that is not finite in float32")
    if not vector.any():
        raise BadCellError("the embedding is empty or all zeros: it has no direction to compare")
    return vector
