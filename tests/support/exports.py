"""Writes a miniature of each export that is recognised."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def write_shopify(folder: Path) -> Path:
    """A mug of two variants and three pictures, an apron, and the apron once more as the shop copies it."""
    mug = {"Handle": "mug", "Option1 Name": "Colour"}
    apron = {"Vendor": "North", "Type": "Apron", "Variant Price": "32", "Image Src": "a.png"}
    blue = {"Option1 Value": "Blue", "Variant SKU": "M-B", "Variant Price": "14", "Image Src": "blue.png"}
    sand = {"Option1 Value": "Sand", "Variant SKU": "M-S", "Variant Price": "14", "Image Src": "sand.png"}
    rows = [
        {**mug, "Title": "Stoneware Mug", "Body (HTML)": "<p>A mug</p>", "Product Category": "Home > Mugs"}
        | {**blue, "Variant Barcode": "'4006381333931"},
        {**mug, **sand, "Variant Barcode": "'4006381333948", "Variant Image": "sand.png"},
        {"Handle": "mug", "Image Src": "set.png"},
        {**apron, "Handle": "apron", "Title": "Linen Apron", "Variant SKU": "A-1"},
        {**apron, "Handle": "apron-1", "Title": "Linen Apron (Copy)", "Variant SKU": "A-2"},
    ]
    _pictures(folder, "blue.png", "sand.png", "set.png", "a.png")
    return _csv(folder / "products_export.csv", rows)


def write_shopify_2025(folder: Path) -> Path:
    """The same kind of file with the headers that Shopify writes since 2025."""
    red = {"SKU": "T-R", "Barcode": "4006381333931", "Option1 value": "Red", "Product image URL": "red.png"}
    green = {"SKU": "T-G", "Barcode": "4006381333948", "Option1 value": "Green"}
    rows = [
        {"Title": "Wool Throw", "URL handle": "throw", "Vendor": "North", "Product category": "Home", **red},
        {"URL handle": "throw", **green, "Variant image URL": "green.png"},
    ]
    _pictures(folder, "red.png", "green.png")
    return _csv(folder / "products_export.csv", rows)


def write_woocommerce(folder: Path) -> Path:
    """A mug with two pictures, and a throw whose variations name it by SKU and by ID."""
    mug = {"ID": "101", "Type": "simple", "SKU": "WM", "Name": "Walnut Mug, large", "Images": "1.png, 2.png"}
    red = {"ID": "103", "Type": "variation", "SKU": "WT-R", "Name": "Woven Throw - Red", "Parent": "WT"}
    throw = {"ID": "102", "Type": "variable", "SKU": "WT", "Name": "Woven Throw", "Images": "throw.png"}
    green = {"ID": "104", "Type": "variation", "SKU": "WT-G", "Name": "Woven Throw - Green"}
    rows = [
        {**mug, "GTIN, UPC, EAN, or ISBN": "4006381333931", "Categories": "Kitchen > Mugs, Gifts"},
        {**red, "Images": "red.png"},
        throw,
        {**green, "Parent": "id:102"},
    ]
    _pictures(folder, "1.png", "2.png", "red.png", "throw.png")
    return _csv(folder / "wc-product-export.csv", rows)


def write_magento_1(folder: Path) -> Path:
    """A bag with a second picture in a row without SKU, and a row of its German store."""
    bag = {"_attribute_set": "Bag", "_type": "simple", "_category": "Gear/Bags"}
    rows = [
        {"sku": "B-1", **bag, "name": "Duffle Bag", "image": "/b/1.png", "_media_image": "/b/1.png"},
        {"_category": "Gear/Travel", "_media_image": "/b/2.png"},
        {"_store": "de", "name": "Reisetasche"},
        {"sku": "B-2", **bag, "name": "Yoga Bag", "image": "/b/3.png"},
    ]
    _pictures(folder, "b/1.png", "b/2.png", "b/3.png")
    return _csv(folder / "export_all_products.csv", rows)


def write_magento_2(folder: Path) -> Path:
    """A bag with a German store view, and a hoodie that names its two variations."""
    hoodie = {"base_image": "/m/3.png", "thumbnail": "/m/3.png"}
    variations = "sku=MH-S,size=S|sku=MH-M,size=M"
    rows = [
        {"sku": "MB", "categories": "Gear/Bags", "name": "Duffle Bag", "base_image": "/m/1.png"}
        | {"additional_images": "/m/1.png,/m/2.png", "thumbnail": "/m/1.png"},
        {"sku": "MB", "store_view_code": "de", "name": "Reisetasche"},
        {"sku": "MH-S", "name": "Hoodie-S", **hoodie},
        {"sku": "MH-M", "name": "Hoodie-M", **hoodie},
        {"sku": "MH", "name": "Hoodie", **hoodie, "configurable_variations": variations},
    ]
    _pictures(folder, "m/1.png", "m/2.png", "m/3.png")
    return _csv(folder / "catalog_product.csv", rows)


def write_google_merchant(folder: Path) -> Path:
    shoe = {"id": "A-1", "title": "Running Shoe 42 Blue", "image link": "a.png", "gtin": "4006381333931"}
    rows = [
        {**shoe, "additional image link": "b.png,c.png", "product type": "Shoes > Running"},
        {"id": "A-2", "title": "Monitor Stand", "image link": "d.png", "product type": "Electronics"},
    ]
    _pictures(folder, "a.png", "b.png", "c.png", "d.png")
    return _csv(folder / "feed.tsv", rows, "\t")


def write_amazon_2023(folder: Path) -> Path:
    _pictures(folder, "t.png", "l.png")
    pictures = [{"thumb": "t.png", "large": "l.png", "variant": "MAIN", "hi_res": None}]
    return _jsonl(
        folder / "meta.jsonl",
        [
            {"main_category": "Beauty", "title": "Brush &amp; Case", "images": pictures, "categories": []}
            | {"details": {"UPC": "4006381333931"}, "parent_asin": "B1", "price": None},
            {"main_category": "Beauty", "title": "Brush", "images": [], "categories": ["Beauty", "Tools"]}
            | {"details": {}, "parent_asin": "B2", "price": 12.99},
        ],
    )


def write_amazon_2018(folder: Path) -> Path:
    _pictures(folder, "a.png")
    return _jsonl(
        folder / "meta.jsonl",
        [
            {"asin": "001", "title": "Brush", "imageURLHighRes": ["a.png"], "category": ["Beauty", "Tools"]},
            {"asin": "002", "title": "Brush two", "imageURLHighRes": [], "category": ["Beauty"]},
        ],
    )


def write_amazon_2014(folder: Path) -> Path:
    _pictures(folder, "a.png")
    return _jsonl(
        folder / "meta.jsonl",
        [{"asin": "001", "title": "Ballet Tutu", "imUrl": "a.png", "categories": [["Sports", "Dance"]]}],
    )


def write_open_food_facts(folder: Path) -> Path:
    spread = {"code": "0000101209159", "product_name": "Hazelnut spread", "quantity": "350 g"}
    rows = [
        {**spread, "brands": "Bovetti", "categories": "Spreads,Sweet spreads", "image_url": "a.png"},
        {"code": "3017620422003", "product_name": "Nutella", "brands": "Ferrero"},
    ]
    _pictures(folder, "a.png")
    return _csv(folder / "products.csv", rows, "\t")


def write_kaggle_fashion(folder: Path) -> Path:
    shirt = {"id": "15970", "articleType": "Shirts", "productDisplayName": "Turtle Check Men Navy Blue Shirt"}
    _pictures(folder, "images/15970.jpg")
    return _csv(folder / "styles.csv", [shirt])


def write_shopee(folder: Path) -> Path:
    bag = {"posting_id": "train_1", "image": "a.png", "title": "Paper Bag Victoria Secret"}
    tape = {"posting_id": "train_2", "image": "b.png", "title": "Double Tape 3M"}
    _pictures(folder, "train_images/a.png", "train_images/b.png")
    return _csv(
        folder / "train.csv", [{**bag, "image_phash": "94974f93"}, {**tape, "image_phash": "af3f9460"}]
    )


def write_hugging_face_folder(folder: Path) -> Path:
    _pictures(folder, "0001.png", "0002.png")
    rows = [{"file_name": "0001.png", "text": "A mug"}, {"file_name": "0002.png", "text": "An apron"}]
    return _csv(folder / "metadata.csv", rows)


def write_hugging_face_parquet(folder: Path) -> Path:
    _pictures(folder, "a.png")
    data = (folder / "a.png").read_bytes()
    image = pa.array([{"bytes": data, "path": "a.png"}, {"bytes": None, "path": None}])
    table = pa.table({"image": image, "text": ["A mug", "An apron"]})
    path = folder / "train-00000-of-00001.parquet"
    pq.write_table(table, path)
    return path


MINIATURES: dict[str, Callable[[Path], Path]] = {
    "Shopify products": write_shopify,
    "Shopify products since 2025": write_shopify_2025,
    "WooCommerce products": write_woocommerce,
    "Magento 1 products": write_magento_1,
    "Magento 2 products": write_magento_2,
    "Google Merchant feed": write_google_merchant,
    "Amazon metadata of 2023": write_amazon_2023,
    "Amazon metadata of 2018": write_amazon_2018,
    "Amazon metadata of 2014": write_amazon_2014,
    "Open Food Facts": write_open_food_facts,
    "Fashion Product Images (Kaggle)": write_kaggle_fashion,
    "Shopee product matching": write_shopee,
    "Hugging Face image folder": write_hugging_face_folder,
    "Hugging Face data set": write_hugging_face_parquet,
}
"""Name of an export to what writes its miniature into a folder, and returns the catalog's file."""


def _pictures(folder: Path, *names: str) -> None:
    """Writes a picture of another colour under each name."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (40 * number, 90, 200)).save(path)


def _csv(path: Path, rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> Path:
    """Writes rows under a header of all their columns."""
    text = io.StringIO(newline="")
    header = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, header, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def _jsonl(path: Path, records: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
