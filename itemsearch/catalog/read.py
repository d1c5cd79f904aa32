"""A catalog, batch by batch: every row becomes a product or a reject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import pyarrow as pa

from itemsearch.catalog.config import DEFAULT_COLUMNS, RESERVED_COLUMNS, CatalogConfig
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.rows import RowSource, check_columns, open_tables, read_rows
from itemsearch.catalog.tables import Table, unify_schemas
from itemsearch.catalog.validate import Cells
from itemsearch.errors import CatalogError, CatalogNotFoundError, MissingColumnError
from itemsearch.types import CatalogBatch, Listing

_MEND = "name yours with --column ROLE=NAME, as in --column id=sku"

IsKnown = Callable[[str, str], bool]


def nothing_is_known(id: str, content_hash: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class OpenCatalog:
    """Files whose columns were checked. carried: the schema of the columns to carry along."""

    source: RowSource

    @property
    def carried(self) -> pa.Schema:
        return self.source.carried

    def batches(self, is_known: IsKnown = nothing_is_known) -> Iterator[CatalogBatch]:
        """All rows as a stream; memory grows with their ids alone.

        Rows are numbered from 1 over all the files, those that are refused included.

        Args:
            is_known: of an id and a content hash, whether the product need not be decoded again; called on
                several threads.

        Raises:
            EmptyCatalogError: not a single row; raised at the end.
            CatalogError: a file is damaged past its start.
        """
        for batch in read_rows(self.source, partial(_product, is_known)):
            yield CatalogBatch(batch.rows, batch.items, batch.carried, batch.rejects)


def read_catalog(config: CatalogConfig) -> Iterator[CatalogBatch]:
    """Opens a catalog and reads it as a stream.

    Raises:
        CatalogError: as `open_catalog`, and as `OpenCatalog.batches` while it is read.
    """
    return open_catalog(config).batches()


def open_catalog(config: CatalogConfig) -> OpenCatalog:
    """Finds a catalog's files and checks their columns.

    Raises:
        CatalogNotFoundError: no file, folder or image root of that name.
        MissingColumnError: a file has no id column, or neither title nor image.
        CatalogError: a file is damaged or of no known format, files do not go together, or a column to
            carry along has one of the store's own names.
    """
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
    source = RowSource(
        config.path, tables, config.columns, carried, config.image_root, config.batch_rows, config.rows
    )
    return OpenCatalog(source)


def content_hash(title: str, image_data: bytes | None) -> str:
    """Hex digest (32 digits) of what an embedding is made from: the title and the encoded image."""
    digest = blake2b(digest_size=16)
    for part in (title.encode(), image_data or b""):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _product(is_known: IsKnown, cells: Cells, data: bytes | None) -> Listing:
    digest = content_hash(cells.title, data)
    known = is_known(cells.id, digest)
    image = None if known or data is None else decode_image(data)
    return Listing(cells.row, cells.id, cells.title, cells.category, image, digest, known)


def _check_mapping(config: CatalogConfig, tables: Sequence[Table]) -> None:
    """A column that was asked for by name has to be in one file at least."""
    present = {name for table in tables for name in table.schema.names}
    for role, name in config.columns.items():
        if present and name != DEFAULT_COLUMNS[role] and name not in present:
            raise MissingColumnError(
                f"{config.path}: no column {name!r}, which --column {role}={name} asks for; the columns are "
                f"{', '.join(map(repr, sorted(present)))}"
            )
