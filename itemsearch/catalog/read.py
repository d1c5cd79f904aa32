"""Reads catalogs batch by batch; every row becomes a listing or a reject."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from hashlib import blake2b

from itemsearch.catalog.config import DEFAULT_COLUMNS, RESERVED_COLUMNS, CatalogConfig
from itemsearch.catalog.formats.open import open_tables
from itemsearch.catalog.formats.tables import Table, unify_schemas
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.placeholders import image_digest
from itemsearch.catalog.rows import RowSource, check_columns, read_rows
from itemsearch.catalog.validate import BadCellError, Cells
from itemsearch.columns import no_column
from itemsearch.errors import CatalogError, CatalogNotFoundError, MissingColumnError
from itemsearch.types import Listing, RejectReason, RowBatch

_MEND = "name yours with --column ROLE=NAME, as in --column id=sku"

IsKnown = Callable[[str, str], bool]


def nothing_is_known(id: str, content_hash: str) -> bool:
    return False


class Catalog(RowSource):
    """The files of a catalog, opened and their columns checked."""

    __slots__ = ()

    def batches(
        self, is_known: IsKnown = nothing_is_known, placeholders: Collection[int] = ()
    ) -> Iterator[RowBatch[Listing]]:
        """Yields all rows, batch by batch; memory grows with their ids alone.

        Rows are numbered from 1 over all the files, rejected ones included.

        Args:
            is_known: of an id and a content hash, whether the image need not be decoded; called on several
                threads.
            placeholders: the digests of those that `find_placeholders` returns. A row with one of them is a
                listing without an image, and rejected if it has no title.

        Raises:
            EmptyCatalogError: there is no row; raised at the end.
            CatalogError: a file is damaged past its start.
        """
        return read_rows(self, partial(_listing, is_known, frozenset(placeholders)))


def open_catalog(config: CatalogConfig) -> Catalog:
    """Finds a catalog's files and checks their columns.

    Raises:
        CatalogNotFoundError: there is no file, folder or image root of that name.
        MissingColumnError: a file has no id column, or neither title nor image.
        CatalogError: a file is damaged or of no known format, files do not go together, or a carried column
            has one of the store's own names.
    """
    if config.image_root is not None and not config.image_root.is_dir():
        raise CatalogNotFoundError(f"{config.image_root}: the image root is no folder")
    tables = open_tables(config.path, config.read)
    check_columns(tables, config.columns, ("title", "image"), _MEND)
    _check_mapping(config, tables)
    carried = unify_schemas(tables, leave_out=frozenset(config.columns.values()))
    for name in carried.names:
        if name in RESERVED_COLUMNS:
            raise CatalogError(
                f"{config.path}: column {name!r} has a name that the store uses itself: rename it, or read "
                f"it as a role with --column ROLE={name}"
            )
    return Catalog(
        config.path, tables, config.columns, carried, config.image_root, config.batch_rows, config.rows
    )


def content_hash(title: str, image_data: bytes | None) -> str:
    """Hashes what an embedding is made from, the title and the encoded image, to 32 hex digits."""
    digest = blake2b(digest_size=16)
    for part in (title.encode(), image_data or b""):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _listing(is_known: IsKnown, placeholders: frozenset[int], cells: Cells, data: bytes | None) -> Listing:
    placeholder = bool(placeholders) and data is not None and image_digest(data) in placeholders
    if placeholder and not cells.title:
        title = f"{cells.no_title!r:.60} is no title" if cells.no_title else "there is no title"
        message = f"a placeholder, which many listings with unlike titles share, and {title}"
        raise BadCellError(message, RejectReason.PLACEHOLDER)
    digest = content_hash(cells.title, None if placeholder else data)
    known = is_known(cells.id, digest)
    image = None if known or data is None else decode_image(data)  # a placeholder is not let through damaged
    image = None if placeholder else image
    return Listing(cells.row, cells.id, cells.title, cells.category, image, digest, known, placeholder)


def _check_mapping(config: CatalogConfig, tables: Sequence[Table]) -> None:
    """Checks that a column that was given by name is in at least one file."""
    present = {name for table in tables for name in table.schema.names}
    for role, name in config.columns.items():
        if present and name != DEFAULT_COLUMNS[role] and name not in present:
            purpose = f", which --column {role}={name} asks for"
            raise MissingColumnError(f"{config.path}: {no_column(sorted(present), name, purpose=purpose)}")
