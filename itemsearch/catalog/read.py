"""Reads catalogs batch by batch; every row becomes a listing or a reject."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import pyarrow as pa
from PIL import Image

from itemsearch.catalog.cell_text import BadCellError
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.exports.known import recognise
from itemsearch.catalog.formats.open import find_tables
from itemsearch.catalog.formats.tables import unify_schemas
from itemsearch.catalog.images import SMALL_SIDE
from itemsearch.catalog.mapping import map_columns, without_columns
from itemsearch.catalog.placeholders import image_digest
from itemsearch.catalog.row_pictures import Picture, Pictures, describe_source
from itemsearch.catalog.rows import RowSource, check_columns, read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.columns import stored_name
from itemsearch.errors import CatalogNotFoundError
from itemsearch.types import Listing, RejectReason, RowBatch

_MEND = "name yours with --column ROLE=NAME, as in --column id=sku"

IsKnown = Callable[[str], bool]
IsWanted = Callable[[str, str], bool]


def nothing_is_known(content_hash: str) -> bool:
    return False


def everything_is_known(content_hash: str) -> bool:
    return True


def nothing_is_wanted(content_hash: str, image_name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Catalog(RowSource):
    """The files of a catalog, opened and their columns checked.

    require_image: a row whose pictures cannot be used is rejected, though it has a title.
    """

    require_image: bool = False

    def batches(
        self,
        is_known: IsKnown = nothing_is_known,
        placeholders: Collection[int] = (),
        is_wanted: IsWanted = nothing_is_wanted,
    ) -> Iterator[RowBatch[Listing]]:
        """Yields all rows, batch by batch; memory grows with their ids alone.

        Rows are numbered from 1 over all the files, rejected ones included.

        Args:
            is_known: of a content hash, whether the image need not be decoded; called on several
                threads.
            placeholders: the digests of those that `find_placeholders` returns. A row with nothing but
                these is a listing without an image, and rejected if it has no title.
            is_wanted: of a content hash and a name of an image, whether the image of a known listing is
                decoded all the same; called on several threads.

        Raises:
            EmptyCatalogError: there is no row; raised at the end.
            CatalogError: a file is damaged past its start.
        """
        rules = _Rules(is_known, is_wanted, frozenset(placeholders), self.require_image)
        return read_rows(self, partial(_listing, rules))


@dataclass(frozen=True, slots=True)
class _Rules:
    """How rows become listings; the fields are as in `Catalog` and its `batches`."""

    is_known: IsKnown
    is_wanted: IsWanted
    placeholders: frozenset[int]
    require_image: bool


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
    export = recognise(found.tables)
    tables = without_columns(config, export.tables if export else found.tables)
    columns = map_columns(config, tables, export.roles if export else {})
    check_columns(tables, columns, ("title", "image"), _MEND)
    read_whole = frozenset(names[0] for names in columns.values() if len(names) == 1)
    carried = unify_schemas(tables, leave_out=read_whole)
    return Catalog(
        path=config.path,
        tables=tables,
        columns=columns,
        carried=pa.schema([field.with_name(stored_name(field.name)) for field in carried]),
        image_root=config.image_root,
        batch_rows=config.batch_rows,
        rows=config.rows,
        category_separator=config.category_separator,
        max_images=config.max_images,
        require_image=config.require_image,
        left_out=found.left_out,
        fetched=config.fetched,
        export=export.export if export else None,
    )


def content_hash(title: str, *pictures: bytes) -> str:
    """Hashes what a listing is compared by, the title and the encoded pictures, to 32 hex digits."""
    text = title.encode()
    digest = blake2b(len(text).to_bytes(8, "little") + text, digest_size=16)
    for picture in pictures or (b"",):
        digest.update(len(picture).to_bytes(8, "little"))
        digest.update(picture)
    return digest.hexdigest()


def _listing(rules: _Rules, cells: Cells, pictures: Pictures) -> Listing:
    read = list(pictures) if cells.images else []
    placeholder = None
    used = read
    if rules.placeholders and read:
        used = [each for each in read if image_digest(each.data) not in rules.placeholders]
        placeholder = next((each for each in read if each not in used), None)
    digest = content_hash(cells.title, *(each.data for each in used))
    known, images = rules.is_known(digest), []
    if not known or (used and rules.is_wanted(digest, used[0].name)):
        images = [(each, image) for each in used if (image := pictures.decode(each)) is not None]
        if len(images) < len(used):  # what cannot be decoded is no part of the listing
            used = [each for each, _ in images]
            digest = content_hash(cells.title, *(each.data for each in used))
            known = rules.is_known(digest)
    unwanted = known and not (images and rules.is_wanted(digest, used[0].name))
    if not used:
        _check_without_image(cells, pictures, placeholder, rules.require_image)
    return Listing(
        row=cells.row,
        id=cells.id,
        title=cells.title,
        category=cells.category,
        image=None if unwanted or not images else images[0][1],
        content_hash=digest,
        known=known,
        placeholder=not used and placeholder is not None,
        other_images=() if known else tuple(_small(image) for _, image in images[1:]),
        image_number=used[0].number if used else 0,
        image_name=used[0].name if used else "",
        image_problem=pictures.problem,
    )


def _small(image: Image.Image) -> Image.Image:
    image.thumbnail((SMALL_SIDE, SMALL_SIDE), reducing_gap=2.0)
    return image


def _check_without_image(
    cells: Cells, pictures: Pictures, placeholder: Picture | None, require_image: bool
) -> None:
    """Checks that a row none of whose pictures can be used is a listing.

    Raises:
        BadCellError: it has no title, or an image that cannot be used is not let through.
    """
    if pictures.problem and (require_image or not cells.title):
        raise BadCellError(pictures.problem.message, pictures.problem.reason)
    if placeholder and not cells.title:
        title = f"{cells.no_title!r:.60} is no title" if cells.no_title else "there is no title"
        raise BadCellError(
            f"{describe_source(placeholder.source)}: a placeholder, which many listings with unlike titles "
            f"share, and {title}",
            RejectReason.PLACEHOLDER,
        )
