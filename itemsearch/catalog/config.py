"""The settings of a catalog: where its files are and which columns hold what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.errors import UsageError

MAX_IMAGES = 4
"""How many pictures of a row are read: a guess."""

DEFAULT_COLUMNS: Mapping[str, str] = {"id": "id", "title": "title", "image": "image", "category": "category"}


@dataclass(frozen=True, slots=True)
class CatalogConfig:
    """The settings with which a catalog is read.

    Attributes:
        path: a file of any format that `find_tables` opens, a folder of them, a glob, or "-" for standard
            input.
        columns: role ("id", "title", "image", "category") to column name; a role that is not given is read
            from the column that a recognised export has for it, else from the column of its own name.
            "brand+name" is two columns, joined with a space, unless a column is called so
            (`mapping.split_columns`).
        image_root: the folder that image paths start from and stay in; by default each file's own.
        batch_rows: the most rows of a batch, whose decoded images are in memory together; large ones in cells
            make it smaller.
        rows: how many rows are read, from the first; None for all.
        max_images: how many pictures of a row are read, from the first. The first that can be used is
            embedded, the others are sketched.
        require_image: whether a row whose pictures cannot be used is rejected, though it has a title.
        read: how the files are read, where their bytes do not tell.
        ignored: columns that are neither read nor carried.
        category_separator: the text between the names of a category path; "" for the usual signs
            (`cell_text.category_text`).
        fetched: the folder where `itemsearch fetch` keeps the pictures that are web addresses; None for none.

    Raises:
        UsageError: an unknown role, or `batch_rows`, `rows` or `max_images` below 1.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    image_root: Path | None = None
    batch_rows: int = 128
    rows: int | None = None
    max_images: int = MAX_IMAGES
    require_image: bool = False
    read: ReadOptions = field(default_factory=ReadOptions)
    ignored: tuple[str, ...] = ()
    category_separator: str = ""
    fetched: Path | None = None

    def __post_init__(self) -> None:
        for role in self.columns:
            if role not in DEFAULT_COLUMNS:
                raise UsageError(f"unknown column role {role!r}: the roles are {', '.join(DEFAULT_COLUMNS)}")
        counts = {"batch_rows": self.batch_rows, "rows": self.rows, "max_images": self.max_images}
        for name, count in counts.items():
            if count is not None and count < 1:
                raise UsageError(f"{name} is {count}: it must be 1 or more")
