"""Reads a folder of pictures, without any table, as a table: a picture is a listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import TextRecord, TextTable, text_schema

COLUMNS = ("id", "image", "category")


def open_picture_folder(folder: Path, pictures: Sequence[Path]) -> TextTable:
    """A table of pictures in a folder and its subfolders, as Hugging Face's image folders are laid out.

    Its columns: id and image, the path from the folder on; category, the subfolders.
    """

    def parse() -> Iterator[TextRecord]:
        for number, picture in enumerate(pictures, 1):
            path = picture.relative_to(folder)
            cells = (path.as_posix(), path.as_posix(), " > ".join(path.parent.parts))
            yield TextRecord(number, dict(zip(COLUMNS, cells, strict=True)))

    # No file of that name is ever opened: paths of pictures start from the folder that it lies in.
    source = Source(folder / "pictures")
    return TextTable(source, text_schema(COLUMNS), parse, "a folder of pictures", "picture")
