"""The exports that are recognised by their columns: docs/catalogs.md has the table for users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from itemsearch.catalog.exports.adapt import folded, with_pictures, with_row_ids
from itemsearch.catalog.exports.shops import (
    fold_magento_1,
    fold_magento_2,
    fold_shopify,
    fold_woocommerce,
)
from itemsearch.catalog.formats.tables import Table

IMAGE_FEATURE = "image: bytes and path"
"""No column: it stands for one called image, of the type that Hugging Face's data sets have for pictures."""


def _as_it_is(table: Table) -> Table:
    return table


METADATA_FILE = "a file called metadata"
"""No column: it stands for the name that the table of a Hugging Face image folder has."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is known of an export.

    name: for messages. told_by: the columns that a file of this kind has; case, spaces and underscores do not
    count. roles: role to the columns that may hold it, the first that is there does; "a+b" joins two.
    rows: what becomes of its rows, for users. adapt: reads the file's records as listings.
    """

    name: str
    told_by: Sequence[str]
    roles: Mapping[str, Sequence[str]]
    rows: str = "a row is a listing"
    adapt: Callable[[Table], Table] = _as_it_is


KNOWN_EXPORTS = (
    Export(
        "Shopify products",
        ("Handle", "Title", "Variant SKU"),
        {
            "id": ["Handle"],
            "title": ["Title"],
            "image": ["Image Src+Variant Image"],
            "category": ["Product Category", "Type"],
        },
        "rows of one handle are one listing, with the pictures of all of them; the SKUs, barcodes and option "
        "values of its variants are joined by commas",
        folded(fold_shopify),
    ),
    Export(
        "Shopify products since 2025",
        ("URL handle", "Title", "SKU"),
        {
            "id": ["URL handle"],
            "title": ["Title"],
            "image": ["Product image URL+Variant image URL"],
            "category": ["Product category", "Type"],
        },
        "rows of one handle are one listing, with the pictures of all of them; the SKUs, barcodes and option "
        "values of its variants are joined by commas",
        folded(fold_shopify),
    ),
    Export(
        "WooCommerce products",
        ("ID", "Type", "SKU", "Name", "Images"),
        {"id": ["ID"], "title": ["Name"], "image": ["Images"], "category": ["Categories"]},
        "a variation is part of the listing that it names as Parent: its pictures are further ones, its SKU "
        "and GTIN are joined to the parent's",
        folded(fold_woocommerce),
    ),
    Export(
        "Magento 1 products",
        ("sku", "_attribute_set", "_type", "name"),
        {"id": ["sku"], "title": ["name"], "image": ["image+_media_image"], "category": ["_category"]},
        "rows without a SKU give the listing before them further pictures and categories",
        folded(fold_magento_1),
    ),
    Export(
        "Magento 2 products",
        ("sku", "name", "base_image"),
        {
            "id": ["sku"],
            "title": ["name"],
            "image": ["base_image+additional_images"],
            "category": ["categories"],
        },
        "the views of other stores are left out; the variations that a configurable product names are part "
        "of it",
        folded(fold_magento_2),
    ),
    Export(
        "Google Merchant feed",
        ("id", "title", "image_link"),
        {
            "id": ["id"],
            "title": ["title"],
            "image": ["image_link+additional_image_link"],
            "category": ["product_type", "google_product_category"],
        },
    ),
    Export(
        "Amazon metadata of 2023",
        ("parent_asin", "title", "images"),
        {
            "id": ["parent_asin"],
            "title": ["title"],
            "image": ["images"],
            "category": ["categories", "main_category"],
        },
    ),
    Export(
        "Amazon metadata of 2018",
        ("asin", "title", "imageURLHighRes"),
        {
            "id": ["asin"],
            "title": ["title"],
            "image": ["imageURLHighRes+imageURL"],
            "category": ["category", "main_cat"],
        },
    ),
    Export(
        "Amazon metadata of 2014",
        ("asin", "title", "imUrl"),
        {"id": ["asin"], "title": ["title"], "image": ["imUrl"], "category": ["categories"]},
    ),
    Export(
        "Open Food Facts",
        ("code", "product_name", "brands"),
        {
            "id": ["code"],
            "title": ["brands+product_name+quantity"],
            "image": ["image_front_url", "image_url"],
            "category": ["categories", "main_category"],
        },
    ),
    Export(
        "Fashion Product Images (Kaggle)",
        ("id", "productDisplayName", "articleType"),
        {"id": ["id"], "title": ["productDisplayName"], "image": ["image"], "category": ["articleType"]},
        "a row is a listing, whose picture is images/ID.jpg",
        with_pictures("image", lambda cells: f"images/{cells.get('id') or ''}.jpg"),
    ),
    Export(
        "Shopee product matching",
        ("posting_id", "title", "image", "image_phash"),
        {"id": ["posting_id"], "title": ["title"], "image": ["image"]},
        "a row is a listing, whose picture lies in train_images/",
        with_pictures("image", lambda cells: f"train_images/{cells.get('image') or ''}"),
    ),
    Export(
        "Hugging Face image folder",
        (METADATA_FILE, "file_name"),
        {
            "id": ["id", "file_name"],
            "title": ["title", "text", "caption", "name"],
            "image": ["file_name"],
            "category": ["category", "label"],
        },
    ),
    Export(
        "Hugging Face data set",
        (IMAGE_FEATURE,),
        {
            "id": ["id"],
            "title": ["title", "text", "caption", "name", "product_name"],
            "image": ["image"],
            "category": ["category", "label"],
        },
        "a row is a listing; without a column id it is called by its file and number",
        with_row_ids,
    ),
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """An export that was recognised, and the tables and roles that it is read by."""

    export: Export
    tables: tuple[Table, ...]
    roles: Mapping[str, str]


def recognise(tables: Sequence[Table]) -> Recognised | None:
    """Recognises the export that all the files with any column are of; None where there is none.

    A catalog whose files have columns id, title and image is read by these.
    """
    headers = [_Header.of(table) for table in tables if table.schema.names]
    if not headers or all({"id", "title", "image"} <= header.names.keys() for header in headers):
        return None
    for export in KNOWN_EXPORTS:
        if all(header.has(export.told_by) for header in headers):
            adapted = tuple(export.adapt(table) if table.schema.names else table for table in tables)
            names = {plain: name for table in adapted for plain, name in _Header.of(table).names.items()}
            roles = {role: _first(names, columns) for role, columns in export.roles.items()}
            return Recognised(export, adapted, {role: name for role, name in roles.items() if name})
    return None


@dataclass(frozen=True, slots=True)
class _Header:
    """names: the columns of a file, by their plain spelling."""

    names: Mapping[str, str]

    @classmethod
    def of(cls, table: Table) -> _Header:
        names = {_plain(name): name for name in reversed(table.schema.names)}
        image = table.schema.field("image").type if "image" in table.schema.names else pa.null()
        if pa.types.is_struct(image) and {field.name for field in image} == {"bytes", "path"}:
            names[_plain(IMAGE_FEATURE)] = "image"
        if table.source.path.name.startswith("metadata."):
            names[_plain(METADATA_FILE)] = "file_name"
        return cls(names)

    def has(self, columns: Iterable[str]) -> bool:
        return all(_plain(name) in self.names for name in columns)


def _first(names: Mapping[str, str], alternatives: Sequence[str]) -> str:
    """The first of the alternatives of which the file has a part, in the file's spelling."""
    for alternative in alternatives:
        parts = [names[_plain(part)] for part in alternative.split("+") if _plain(part) in names]
        if parts:
            return "+".join(parts)
    return ""


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "_")
