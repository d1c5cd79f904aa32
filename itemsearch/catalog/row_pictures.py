"""Reads the pictures of a row one after the other, until one of them can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from itemsearch.catalog.cell_text import BadCellError
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.validate import Cells
from itemsearch.errors import ImageAddressError, ImageError, ImageNotFoundError
from itemsearch.fetched import without_credentials
from itemsearch.types import ImageProblem, RejectReason


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture. number: its place among the row's, from 1. source: its path or address, or its
    bytes, where the cell has them."""

    number: int
    source: bytes | str
    data: bytes

    @property
    def name(self) -> str:
        """Its path or address; "" for an embedded one."""
        return self.source if isinstance(self.source, str) else ""


class Pictures:
    """The pictures of a row. problem: of the first that could not be read or decoded so far."""

    def __init__(self, cells: Cells, read: Callable[[str], bytes], most: int) -> None:
        """
        Args:
            read: the encoded image at a path or address; raises `ImageError`.
            most: how many pictures are read, from the first.
        """
        self.cells = cells
        self.read = read
        self.most = most
        self.problem = cells.image_problem

    def __iter__(self) -> Iterator[Picture]:
        """Reads and yields those that can be read."""
        for number, source in enumerate(self.cells.images[: self.most], 1):
            try:
                yield Picture(number, source, source if isinstance(source, bytes) else self.read(source))
            except ImageError as error:
                self._note(source, error)

    def decode(self, picture: Picture) -> Image.Image | None:
        """As `decode_image`; None where it cannot be decoded."""
        try:
            return decode_image(picture.data)
        except ImageError as error:
            self._note(picture.source, error)
            return None

    def first(self) -> Image.Image | None:
        """The first picture that can be used; None for a row without pictures.

        Raises:
            BadCellError: none of the row's pictures can be used.
        """
        image = next((image for picture in self if (image := self.decode(picture))), None)
        if image is None and self.problem:
            raise BadCellError(self.problem.message, self.problem.reason)
        return image

    def _note(self, source: bytes | str, error: ImageError) -> None:
        message = f"{describe_source(source)}: {error}"
        self.problem = self.problem or ImageProblem(_reason(error), self.cells.place, message)


def describe_source(source: bytes | str) -> str:
    """The name of a picture in messages."""
    return f"image {without_credentials(source)!r:.80}" if isinstance(source, str) else "embedded image"


def _reason(error: ImageError) -> RejectReason:
    match error:
        case ImageAddressError():
            return RejectReason.IMAGE_ADDRESS
        case ImageNotFoundError():
            return RejectReason.IMAGE_NOT_FOUND
        case _:
            return RejectReason.IMAGE_UNREADABLE
