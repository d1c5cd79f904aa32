"""From files to checked rows with their pictures read: what catalogs and queries files share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa

from itemsearch.catalog.delimited import open_delimited
from itemsearch.catalog.files import find_files, format_of
from itemsearch.catalog.images import locate_image, read_image_file
from itemsearch.catalog.jsonl import open_jsonl
from itemsearch.catalog.parquet import ParquetTable
from itemsearch.catalog.tables import Records, Table
from itemsearch.catalog.validate import Cells, RowValidator
from itemsearch.errors import EmptyCatalogError, ImageError, ImageNotFoundError, MissingColumnError
from itemsearch.types import Reject, RejectReason

_MAX_DECODERS = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowBatch(Generic[T]):
    """`rows` read = `len(items)` + `len(rejects)`; `carried` has one row an item."""

    rows: int
    items: tuple[T, ...]
    carried: pa.RecordBatch
    rejects: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class RowSource:
    """Files of rows, opened and their columns checked.

    Attributes:
        path: the path they were found at, for messages.
        columns: role to column name.
        carried: the schema of the columns to carry along.
        image_root: where image paths start; None for each file's own folder.
        rows: how many are read, from the first; None for all.
    """

    path: str
    tables: tuple[Table, ...]
    columns: Mapping[str, str]
    carried: pa.Schema
    image_root: Path | None
    batch_rows: int
    rows: int | None = None


def open_tables(path: str) -> tuple[Table, ...]:
    """The files at `path`: a file, a folder or a glob.

    Raises:
        CatalogError: no file there, or one that cannot be read.
    """
    return tuple(_open_table(file) for file in find_files(path))


def _open_table(path: Path) -> Table:
    match format_of(path):
        case ".csv":
            return open_delimited(path, ",")
        case ".tsv":
            return open_delimited(path, "\t")
        case ".jsonl":
            return open_jsonl(path)
        case _:
            return ParquetTable.open(path)


def check_columns(
    tables: Sequence[Table], columns: Mapping[str, str], one_of: Sequence[str], mend: str
) -> None:
    """Sees to it that every file has the id's column and that of one role in `one_of`.

    A file without a sound record has no columns and needs none: its rows are refused one by one.

    Raises:
        MissingColumnError: a file has not; `mend` says what to do.
    """
    for table in tables:
        names = table.schema.names
        if not names:
            continue
        present = f"its columns are {', '.join(map(repr, names))}"
        if columns["id"] not in names:
            raise MissingColumnError(f"{table.path}: no column {columns['id']!r}; {present}: {mend}")
        wanted = [columns[role] for role in one_of]
        if not any(name in names for name in wanted):
            raise MissingColumnError(
                f"{table.path}: no column {' or '.join(map(repr, wanted))}; {present}: {mend}"
            )


def read_rows(source: RowSource, build: Callable[[Cells, bytes | None], T]) -> Iterator[RowBatch[T]]:
    """Checks every row, reads its picture and makes an item of it; order is kept.

    Args:
        build: (cells, the encoded picture) to an item; called on several threads. A row for which it raises
            an `ImageError` is refused.

    Raises:
        CatalogError: a file is damaged, or there is no row at all.
    """
    validator = RowValidator()
    row = 0
    with ThreadPoolExecutor(min(_MAX_DECODERS, os.cpu_count() or 1)) as pool:
        for table in source.tables:
            finish = partial(_finish, str(source.image_root or table.path.parent), build)
            for records in table.read(list(source.columns.values()), source.carried, source.batch_rows):
                checked = _check(validator, row, records, source.columns)
                if source.rows is not None:
                    checked = checked[: source.rows - row]
                has_images = any(isinstance(cells, Cells) and cells.image is not None for cells in checked)
                outcomes = list(pool.map(finish, checked) if has_images else map(finish, checked))
                sound = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, Reject)]
                yield RowBatch(
                    rows=len(outcomes),
                    items=tuple(item for item in outcomes if not isinstance(item, Reject)),
                    carried=records.carried.take(pa.array(sound, pa.int64())),
                    rejects=tuple(item for item in outcomes if isinstance(item, Reject)),
                )
                row += len(outcomes)
                if row == source.rows:
                    return
    if row == 0:
        raise EmptyCatalogError(f"{source.path}: no rows")


def _check(
    validator: RowValidator, rows_before: int, records: Records, columns: Mapping[str, str]
) -> list[Cells | Reject]:
    cells = [records.columns[name] for name in columns.values()]
    checked: list[Cells | Reject] = []
    for i, (place, problem) in enumerate(zip(records.places, records.problems, strict=True)):
        row = rows_before + i + 1
        if problem:
            checked.append(Reject(row, "", RejectReason.MALFORMED, f"{place}: {problem}"))
        else:
            record = dict(zip(columns, (column[i] for column in cells), strict=True))
            checked.append(validator.check(row, place, record))
    return checked


def _finish(image_root: str, build: Callable[[Cells, bytes | None], T], cells: Cells | Reject) -> T | Reject:
    if isinstance(cells, Reject):
        return cells
    data = cells.image
    try:
        if isinstance(data, str):
            data = read_image_file(locate_image(image_root, data))
        return build(cells, data)
    except ImageError as error:
        missing = isinstance(error, ImageNotFoundError)
        reason = RejectReason.IMAGE_NOT_FOUND if missing else RejectReason.IMAGE_UNREADABLE
        name = "embedded image" if isinstance(cells.image, bytes) else f"image {cells.image!r:.80}"
        return Reject(cells.row, cells.id, reason, f"{cells.place}: {name}: {error}")
