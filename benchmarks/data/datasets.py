"""Public data sets as people download them, turned into a catalog, and queries where the set has them.

A reader gets the set's folder and a folder to write into. Pictures stay where they are.
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
"""Of Amazon's titles, the first that there is; else whatever comes first."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """catalog: a file of products. image_root: where all pictures lie. same: its column that is equal for
    listings of one product, "" for none. queries: a file of listings to be found, "" for none."""

    catalog: Path
    image_root: Path
    same: str = ""
    queries: str = ""


def read_dataset(name: str, folder: Path, out: Path) -> DataSet:
    """
    Raises:
        UsageError: no set of that name.
        CatalogNotFoundError: the folder lacks a file of the set.
        CatalogError: a file is not as the set has it.
    """
    out.mkdir(parents=True, exist_ok=True)
    if name not in READERS:
        raise UsageError(f"--dataset {name}: no such set; there are {', '.join(READERS)}")
    try:
        return READERS[name](folder, out)
    except FileNotFoundError as error:
        raise CatalogNotFoundError(f"{error.filename}: missing; {name} has it") from error
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise CatalogError(f"{folder}: not as {name} is downloaded: {error!r}") from error


def _shopee(folder: Path, out: Path) -> DataSet:
    """Shopee Price Match Guarantee: train.csv and train_images/; a label_group is a product."""
    with (folder / "train.csv").open(newline="", encoding="utf-8") as file:
        held = list(csv.DictReader(file))
    rows = [(row["posting_id"], row["title"], row["image"], "", row["label_group"]) for row in held]
    return DataSet(_write(out / CATALOG, rows), folder / "train_images", same="product")


def _online_products(folder: Path, out: Path) -> DataSet:
    """Stanford Online Products: Ebay_test.txt, and a folder of pictures for each of twelve categories."""
    with (folder / "Ebay_test.txt").open(encoding="utf-8") as file:
        next(file)
        listed = [line.split() for line in file]
    rows = [
        (image_id, "", path, path.partition("/")[0].removesuffix("_final"), class_id)
        for image_id, class_id, _, path in listed
    ]
    return DataSet(_write(out / CATALOG, rows), folder, same="product")


def _berkeley_objects(folder: Path, out: Path) -> DataSet:
    """Amazon Berkeley Objects: listings/metadata/*.json.gz, images/metadata/images.csv.gz, images/small/.

    A product's main picture and title are the catalog; another of its pictures, alone, asks for it.
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
    asked = out / QUERIES
    _write(asked, queries, ("query_id", "image", "expected_id"))
    return DataSet(_write(out / CATALOG, rows), folder / "images/small", queries=str(asked))


def _fashion(folder: Path, out: Path) -> DataSet:
    """Kaggle's fashion-product-images: styles.csv and images/ID.jpg; titles may hold commas unquoted."""
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
    """One of a listing's values, in English where there is one."""
    held = {value.get("language_tag", ""): value["value"] for value in values or ()}
    named = [held[language] for language in LANGUAGES if language in held]
    return next(iter([*named, *held.values()]), "")


def _write(path: Path, rows: Iterable[Sequence[str]], head: Sequence[str] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path
