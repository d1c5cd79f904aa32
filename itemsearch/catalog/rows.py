"""Reads and checks rows of files, images included: what catalogs and queries files share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from itemsearch.catalog.cell_text import BadCellError, JoinedCells
from itemsearch.catalog.config import MAX_IMAGES
from itemsearch.catalog.exports.known import Export
from itemsearch.catalog.formats.open import LeftOut
from itemsearch.catalog.formats.tables import Records, Table, record_batch
from itemsearch.catalog.images import locate_image, read_image_file
from itemsearch.catalog.row_pictures import Pictures
from itemsearch.catalog.validate import Cells, RowValidator
from itemsearch.columns import catalog_name, no_column
from itemsearch.errors import EmptyCatalogError, MissingColumnError
from itemsearch.fetched import FetchedPictures, is_web_address
from itemsearch.types import Reject, RejectReason, RowBatch

_MAX_DECODERS = 4

T = TypeVar("T")
Build = Callable[[Cells, Pictures], T]
"""Makes an item of a row, or raises `BadCellError`; called on several threads."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """Files of rows, opened and their columns checked.

    Attributes:
        path: where the files are, for messages.
        columns: role to the columns that it is read from.
        carried: the schema of the other columns, which the items carry along, by their stored names.
        image_root: where image paths start; None for each file's own folder.
        batch_rows: how many rows are read at a time.
        rows: how many rows are read, from the first; None for all.
        category_separator: as in `CatalogConfig`.
        max_images: how many pictures of a row are read, from the first.
        left_out: the files beside the tables that are none.
        export: the export that was recognised, None for none.
        fetched: folder of the pictures that are web addresses; None for none.
    """

    path: str
    tables: tuple[Table, ...]
    columns: Mapping[str, Sequence[str]]
    carried: pa.Schema
    image_root: Path | None
    batch_rows: int
    rows: int | None = None
    category_separator: str = ""
    max_images: int = MAX_IMAGES
    left_out: tuple[LeftOut, ...] = ()
    export: Export | None = None
    fetched: Path | None = None

    @property
    def picture_roots(self) -> tuple[Path, ...]:
        """The folders that image paths start from."""
        folders = [self.image_root or table.source.path.parent for table in self.tables]
        return tuple(dict.fromkeys(folders))


def check_columns(
    tables: Sequence[Table], columns: Mapping[str, Sequence[str]], one_of: Sequence[str], mend: str
) -> None:
    """Checks that every file has a column of the id and one of at least one role in `one_of`.

    A file without a valid record has no columns and needs none: its rows are rejected one by one.

    Raises:
        MissingColumnError: a file lacks one; the message ends with `mend`, which says what to do.
    """
    for table in tables:
        names = table.schema.names
        if not names:
            continue
        for alternatives in (columns["id"], [name for role in one_of for name in columns[role]]):
            if not any(name in names for name in alternatives):
                raise MissingColumnError(f"{table.source}: {no_column(names, *alternatives)}: {mend}")


def read_rows(source: RowSource, build: Build[T]) -> Iterator[RowBatch[T]]:
    """Checks every row, reads its pictures and makes an item of it; yields batches in the rows' order.

    Args:
        build: a row for which it raises a `BadCellError` is rejected.

    Raises:
        CatalogError: a file is damaged, or there is no row.
        FetchError: there are no fetched pictures where they should be.
    """
    validator = RowValidator(source.category_separator)
    names = list(dict.fromkeys(name for columns in source.columns.values() for name in columns))
    carried = pa.schema([field.with_name(catalog_name(field.name)) for field in source.carried])
    row = 0
    with (
        ThreadPoolExecutor(min(_MAX_DECODERS, os.cpu_count() or 1)) as pool,
        FetchedPictures.open(source.fetched) as fetched,
    ):
        for table in source.tables:
            read_image = partial(_read_image, str(source.image_root or table.source.path.parent), fetched)
            finish = partial(_finish, read_image, source.max_images, build)
            for records in table.read(names, carried, source.batch_rows):
                checked = _check(validator, row, records, source.columns)
                if source.rows is not None:
                    checked = checked[: source.rows - row]
                has_images = any(isinstance(cells, Cells) and cells.images for cells in checked)
                outcomes = list(pool.map(finish, checked) if has_images else map(finish, checked))
                valid = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, Reject)]
                yield RowBatch(
                    rows=len(outcomes),
                    items=tuple(item for item in outcomes if not isinstance(item, Reject)),
                    carried=_stored(records.carried, source.carried).take(pa.array(valid, pa.int64())),
                    rejects=tuple(item for item in outcomes if isinstance(item, Reject)),
                    no_titles=tuple(each.no_title for each in checked if each.no_title),
                    continued=records.continued,
                )
                row += len(outcomes)
                if row == source.rows:
                    return
    if row == 0:
        raise EmptyCatalogError(f"{source.path}: no rows")


def _check(
    validator: RowValidator, rows_before: int, records: Records, columns: Mapping[str, Sequence[str]]
) -> list[Cells | Reject]:
    cells = [_cells_of_role([records.columns[name] for name in names]) for names in columns.values()]
    checked: list[Cells | Reject] = []
    rows = zip(records.places, records.problems, zip(*cells, strict=True), strict=True)
    for row, (place, problem, values) in enumerate(rows, rows_before + 1):
        if problem:
            checked.append(Reject(row, "", RejectReason.MALFORMED, f"{place}: {problem}"))
        else:
            checked.append(validator.check(row, place, dict(zip(columns, values, strict=True))))
    return checked


def _cells_of_role(columns: Sequence[Sequence[object]]) -> Sequence[object]:
    return columns[0] if len(columns) == 1 else [JoinedCells(cells) for cells in zip(*columns, strict=True)]


def _stored(carried: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The carried columns by their stored names."""
    return record_batch(carried.columns, schema, carried.num_rows)


def _read_image(image_root: str, fetched: FetchedPictures, source: str) -> bytes:
    """The encoded image at a path or a web address.

    Raises:
        ImageError: it is not there, or cannot be read.
    """
    path = fetched.path_of(source) if is_web_address(source) else locate_image(image_root, source)
    # Stores keep what was wrong with a picture, and are moved and mailed: they name no place of this machine.
    beside = Path(os.path.realpath(image_root)).parent
    name = Path(path).name if is_web_address(source) else os.path.relpath(path, beside)
    return read_image_file(path, name)


def _finish(
    read_image: Callable[[str], bytes], most: int, build: Build[T], cells: Cells | Reject
) -> T | Reject:
    if isinstance(cells, Reject):
        return cells
    try:
        return build(cells, Pictures(cells, read_image, most))
    except BadCellError as error:
        return Reject(cells.row, cells.id, error.reason, f"{cells.place}: {error}", cells.no_title)
