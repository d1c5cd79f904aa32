"""How the records of shop systems belong together: Shopify, WooCommerce and Magento."""

from __future__ import annotations

import re

from itemsearch.catalog.exports.folding import Cells, Links, Merging, Parse, fold_children, fold_runs

_SHOPIFY = Merging(
    pictures=("Image Src", "Variant Image", "Product image URL", "Variant image URL"),
    joined=(
        *("Variant SKU", "Variant Barcode", "Option1 Value", "Option2 Value", "Option3 Value"),
        *("SKU", "Barcode", "Option1 value", "Option2 value", "Option3 value"),
    ),
)
_WOOCOMMERCE = Merging(
    pictures=("Images",),
    joined=("SKU", "GTIN, UPC, EAN, or ISBN", *(f"Attribute {number} value(s)" for number in range(1, 6))),
)
_MAGENTO_2 = Merging(pictures=("base_image", "additional_images"))
_MAGENTO_1 = Merging(pictures=("image", "_media_image"), joined=("_category",))
_VARIATION_SKU = re.compile(r"(?:^|\|)\s*sku=([^,|]+)")


def fold_shopify(parse: Parse) -> Parse:
    """Rows of one handle, one after another, are a product, its variants and its further pictures."""

    def continues(product: Cells, row: Cells) -> bool:
        return bool(_handle(row)) and _handle(row) == _handle(product)

    return fold_runs(parse, continues, _SHOPIFY)


def _handle(cells: Cells) -> str:
    return cells.get("Handle") or cells.get("URL handle") or ""


def fold_woocommerce(parse: Parse) -> Parse:
    """A row of type "variation" names its product as Parent: by SKU, or as "id:" and its ID."""

    def links(row: Cells) -> Links:
        id, sku = (row.get("ID") or "").strip(), (row.get("SKU") or "").strip()
        is_variation = (row.get("Type") or "").startswith("variation")
        parent = (row.get("Parent") or "").strip() if is_variation else ""
        return Links((sku, f"id:{id}"), parent)

    return fold_children(parse, links, _WOOCOMMERCE)


def fold_magento_2(parse: Parse) -> Parse:
    """Rows of one SKU are a product in several stores; a configurable product names its variations."""

    def continues(product: Cells, row: Cells) -> bool:
        return bool(row.get("store_view_code")) and row.get("sku") == product.get("sku")

    def links(row: Cells) -> Links:
        children = _VARIATION_SKU.findall(row.get("configurable_variations") or "")
        return Links(((row.get("sku") or "").strip(),), children=tuple(sku.strip() for sku in children))

    return fold_children(fold_runs(parse, continues, _MAGENTO_2), links, _MAGENTO_2)


def fold_magento_1(parse: Parse) -> Parse:
    """Rows without a SKU give the product before them further pictures, categories and store views."""

    def continues(product: Cells, row: Cells) -> bool:
        return not row.get("sku")

    return fold_runs(parse, continues, _MAGENTO_1)
