"""Reads catalogs batch by batch; every row becomes a listing or a reject."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from hashlib import blake2b

import pyarrow as pa

from itemsearch.catalog.cell_text import BadCellError
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.formats.open import find_tables
from itemsearch.catalog.formats.tables import unify_schemas
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.mapping import map_columns, without_columns
from itemsearch.catalog.placeholders import Placeholder, image_digest
from itemsearch.catalog.rows import RowSource, check_columns, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.columns import stored_name
from itemsearch.errors import CatalogNotFoundError
from itemsearch.types import Listing, RejectReason, RowBatch

_MEND = "name yours with --column ROLE=NAME, as in --column id=sku"

IsKnown = Callable[[str, str], bool]


def nothing_is_known(id: str, content_hash: str) -> bool:
    return False


class Catalog(RowSource):
    """The files of a catalog, opened and their columns checked."""

    __slots__ = ()

    def batches(
        self, is_known: IsKnown = nothing_is_known, placeholders: Collection[Placeholder] = ()
    ) -> Iterator[RowBatch[Listing]]:
        """Yields all rows, batch by batch; memory grows with their ids alone.

        Rows are numbered from 1 over all the files, rejected ones included.

        Args:
            is_known: of an id and a content hash, whether the image need not be decoded; called on several
                threads.
            placeholders: as `find_placeholders` returns them. A row with one of them is a listing without an
                image, and rejected if it has no title.

        Raises:
            EmptyCatalogError: there is no row; raised at the end.
            CatalogError: a file is damaged past its start.
        """
        digests = frozenset(placeholder.digest for placeholder in placeholders)
        return read_rows(self, partial(_listing, is_known, digests))


def open_catalog(config: CatalogConfig) -> Catalog:
    """Finds a catalog's files and checks their columns.

    Raises:
        CatalogNotFoundError: there is no file, folder or image root of that name.
        MissingColumnError: a file has no id column, or neither title nor image, or the config names a column
            that no file has.
        UsageError: the config both reads and ignores a column.
        CatalogError: a file is damaged or of no known format, or files do not go together.
    """
    if config.image_root is not None and not config.image_root.is_dir():
        raise CatalogNotFoundError(f"{config.image_root}: the image root is no folder")
    found = find_tables(config.path, config.read)
    tables = without_columns(config, found.tables)
    columns = map_columns(config, tables)
    check_columns(tables, columns, ("title", "image"), _MEND)
    read_whole = frozenset(names[0] for names in columns.values() if len(names) == 1)
    carried = unify_schemas(tables, leave_out=read_whole)
    return Catalog(
        config.path,
        tables,
        columns,
        pa.schema([field.with_name(stored_name(field.name)) for field in carried]),
        config.image_root,
        config.batch_rows,
        config.rows,
        config.category_separator,
        found.left_out,
        config.fetched,
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
