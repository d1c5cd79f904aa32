"""A catalog, batch by batch: every row becomes a product or a reject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from PIL import Image

from itemsearch.catalog.config import DEFAULT_COLUMNS, RESERVED_COLUMNS, CatalogConfig
from itemsearch.catalog.rows import RowSource, check_columns, open_tables, read_rows
from itemsearch.catalog.tables import Table, unify_schemas
from itemsearch.catalog.validate import Cells
from itemsearch.errors import CatalogError, CatalogNotFoundError, MissingColumnError
from itemsearch.types import CatalogBatch, Product

_MEND = "name yours with --column ROLE=NAME, as in --column id=sku"


def read_catalog(config: CatalogConfig) -> Iterator[CatalogBatch]:
    """Opens a catalog and reads it as a stream; memory grows with its ids alone.

    Rows are numbered from 1 over all the files, those that are refused included.

    Raises:
        CatalogNotFoundError: no file, folder or image root of that name.
        MissingColumnError: a file has no id column, or neither title nor image.
        EmptyCatalogError: not a single row; raised at the end.
        CatalogError: a file is damaged or of no known format, files do not go together, or a column to
            carry along has one of the store's own names. Damage past a file's start shows as it is read.
    """
    source = _open(config)
    return (
        CatalogBatch(batch.rows, batch.items, batch.carried, batch.rejects)
        for batch in read_rows(source, _product)
    )


def content_hash(title: str, image_data: bytes | None) -> str:
    """Hex digest (32 digits) of what an embedding is made from: the title and the encoded image."""
    digest = blake2b(digest_size=16)
    for part in (title.encode(), image_data or b""):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _product(cells: Cells, image: Image.Image | None, data: bytes | None) -> Product:
    return Product(cells.row, cells.id, cells.title, cells.category, image, content_hash(cells.title, data))


def _open(config: CatalogConfig) -> RowSource:
    if config.image_root is not None and not config.image_root.is_dir():
        raise CatalogNotFoundError(f"{config.image_root}: the image root is no folder")
    tables = open_tables(config.path)
    check_columns(tables, config.columns, ("title", "image"), _MEND)
    _check_mapping(config, tables)
    carried = unify_schemas(tables, leave_out=frozenset(config.columns.values()))
    for name in carried.names:
        if name in RESERVED_COLUMNS:
            raise CatalogError(
                f"{config.path}: column {name!r} has a name that the store uses itself: rename it, or read "
                f"it as a role with --column ROLE={name}"
            )
    return RowSource(config.path, tables, config.columns, carried, config.image_root, config.batch_rows)


def _check_mapping(config: CatalogConfig, tables: Sequence[Table]) -> None:
    """A column that was asked for by name has to be in one file at least."""
    present = {name for table in tables for name in table.schema.names}
    for role, name in config.columns.items():
        if present and name != DEFAULT_COLUMNS[role] and name not in present:
            raise MissingColumnError(
                f"{config.path}: no column {name!r}, which --column {role}={name} asks for; the columns are "
                f"{', '.join(map(repr, sorted(present)))}"
            )
