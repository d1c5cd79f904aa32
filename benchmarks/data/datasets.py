"""Readers of public data sets: each writes a catalog, and queries where the set has them.

A reader receives the folder of the set, as it is downloaded, and a folder to write into. Image files are not
copied. A new data set is a function here and an entry of `READERS`.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itemsearch.errors import CatalogError, CatalogNotFoundError, UsageError

CATALOG, QUERIES = "catalog.csv", "queries.csv"
COLUMNS = ("id", "title", "image", "category", "product")
LANGUAGES = ("en_US", "en_GB", "en_IN", "en_CA", "en_AU")
"""Preferred languages of Amazon's titles, best first; without any of them the first title is taken."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as a benchmark reads it.

    Attributes:
        catalog: a file of listings.
        image_root: the folder that image paths are relative to.
        same: the catalog's column that is equal for listings of one product; "" for none.
        queries: a file of queries; "" for none.
    """

    catalog: Path
    image_root: Path
    same: str = ""
    queries: str = ""


def read_dataset(name: str, folder: Path, out: Path) -> DataSet:
    """Reads the data set of that name from `folder`; its catalog and queries are written into `out`.

    Raises:
        UsageError: no data set has that name.
        CatalogNotFoundError: the folder lacks a file of the set.
        CatalogError: a file does not have the format of the set.
    """
    out.mkdir(parents=True, exist_ok=True)
    if name not in READERS:
        raise UsageError(f"--dataset {name}: no such data set; there are {', '.join(READERS)}")
    try:
        return READERS[name](folder, out)
    except FileNotFoundError as error:
        raise CatalogNotFoundError(f"{error.filename}: missing; {name} needs it") from error
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise CatalogError(f"{folder}: not the files of {name}: {error!r}") from error


def _shopee(folder: Path, out: Path) -> DataSet:
    """Shopee Price Match Guarantee: train.csv and train_images/; a label_group is a product."""
    with (folder / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (row["posting_id"], row["title"], row["image"], "", row["label_group"])
            for row in csv.DictReader(file)
        ]
    return DataSet(_write(out / CATALOG, rows), folder / "train_images", same="product")


def _online_products(folder: Path, out: Path) -> DataSet:
    """Stanford Online Products: Ebay_test.txt, and an image folder for each of twelve categories."""
    with (folder / "Ebay_test.txt").open(encoding="utf-8") as file:
        next(file)
        rows = [
            (image_id, "", path, path.partition("/")[0].removesuffix("_final"), class_id)
            for image_id, class_id, _, path in map(str.split, file)
        ]
    return DataSet(_write(out / CATALOG, rows), folder, same="product")


def _berkeley_objects(folder: Path, out: Path) -> DataSet:
    """Amazon Berkeley Objects: listings/metadata/*.json.gz, images/metadata/images.csv.gz, images/small/.

    The catalog holds the main image and the title of each product; another image of it, alone, is a query.
    """
    with gzip.open(folder / "images/metadata/images.csv.gz", "rt", encoding="utf-8", newline="") as file:
        paths = {row["image_id"]: row["path"] for row in csv.DictReader(file)}
    rows: list[Sequence[str]] = []
    queries: list[Sequence[str]] = []
    seen: set[str] = set()
    for listing in _listings(folder / "listings/metadata"):
        id, main = listing["item_id"], listing.get("main_image_id")
        if id in seen or main not in paths:
            continue
        seen.add(id)
        kind = _text(listing.get("product_type"))
        rows.append((id, _text(listing.get("item_name")), paths[main], kind, id))
        others = [paths[other] for other in listing.get("other_image_id", ()) if other in paths]
        if others:
            queries.append((f"{id}:other", others[0], id))
    queries_file = _write(out / QUERIES, queries, ("query_id", "image", "expected_id"))
    return DataSet(_write(out / CATALOG, rows), folder / "images/small", queries=str(queries_file))


def _fashion(folder: Path, out: Path) -> DataSet:
    """Kaggle's fashion-product-images: styles.csv and images/ID.jpg; titles may contain unquoted commas."""
    with (folder / "styles.csv").open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        head = next(lines)
        last = head.index("productDisplayName")
        kind = head.index("articleType")
        rows = [(row[0], ",".join(row[last:]), f"{row[0]}.jpg", row[kind], row[0]) for row in lines]
    present = [row for row in rows if (folder / "images" / row[2]).is_file()]
    return DataSet(_write(out / CATALOG, present), folder / "images")


READERS: Mapping[str, Callable[[Path, Path], DataSet]] = {
    "shopee": _shopee,
    "online-products": _online_products,
    "berkeley-objects": _berkeley_objects,
    "fashion-product-images": _fashion,
}


def _listings(folder: Path) -> Iterator[dict[str, Any]]:
    paths = sorted(folder.glob("*.json.gz"))
    if not paths:
        raise FileNotFoundError(2, "no listings", str(folder / "listings_0.json.gz"))
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def _text(values: Iterable[Mapping[str, str]] | None) -> str:
    """One of the values, in the first of `LANGUAGES` that there is; "" without values."""
    by_language = {value.get("language_tag", ""): value["value"] for value in values or ()}
    preferred = [by_language[language] for language in LANGUAGES if language in by_language]
    return next(iter([*preferred, *by_language.values()]), "")


def _write(path: Path, rows: Iterable[Sequence[str]], head: Sequence[str] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path
