"""Generation of a sample catalog in which some products have two or three listings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from itemsearch.errors import UsageError
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.sample.canvas import Canvas
from itemsearch.sample.names import SELLERS
from itemsearch.sample.products import SampleProduct, invent_products

_RELISTED_SHARE = 0.15
"""Share of the products with a second listing."""
_RELISTED_TWICE_SHARE = 1 / 3
"""Share of those with a third one too."""
_MISSING_SHARE = 0.01
"""Listings without image, and listings without title, each as a share of the products."""
_JPEG_QUALITY = 88

COLUMNS = ("id", "title", "image", "category", "brand", "colour", "price", "seller")


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Counts of a sample catalog: `rows` = `products` + `relistings`, with or without image or title."""

    folder: Path
    products: int
    rows: int
    relistings: int
    without_image: int
    without_title: int
    categories: int


@dataclass(frozen=True, slots=True)
class _PlannedListing:
    """A listing before it is drawn.

    group: number of the product. copy: 0 for its first listing, 1 and 2 for the others. missing: "image",
    "title" or "".
    """

    id: str
    group: int
    copy: int
    missing: str


def draw_catalog(out: Path, products: int = 2000, seed: int = 0) -> SampleReport:
    """Writes a catalog of invented products, some of them with several listings, to the folder `out`.

    The files are `catalog.csv` (`COLUMNS`), `images/*.jpg` (about 320 pixels a side) and the ground truth
    `labels.csv` (id, group), in which listings of one product share a group. Three products of twenty have a
    second listing by another seller, with an edited title and picture, and a third of those have a third one.
    Of the other products, one in a hundred has no image and one in a hundred no title. The same arguments
    give the same bytes with the same version of Pillow.

    Raises:
        UsageError: `out` is not empty, or a number is out of range.
    """
    if products < 1 or seed < 0:
        raise UsageError(f"{products} products of seed {seed}: at least 1 product, and a seed of at least 0")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is in use; name a folder that is empty or does not exist yet")
    rng = np.random.default_rng(seed)
    invented = invent_products(products, rng)
    listings = _plan_listings(len(invented), rng)
    (out / "images").mkdir(parents=True)
    rows = [row for group in _by_group(listings) for row in _draw(invented[group[0].group], group, out, seed)]
    _write_table(out / "catalog.csv", COLUMNS, sorted(rows))
    _write_table(out / "labels.csv", ("id", "group"), ((listing.id, listing.group) for listing in listings))
    return SampleReport(
        folder=out,
        products=len(invented),
        rows=len(listings),
        relistings=len(listings) - len(invented),
        without_image=sum(listing.missing == "image" for listing in listings),
        without_title=sum(listing.missing == "title" for listing in listings),
        categories=len({product.kind.category for product in invented}),
    )


def _plan_listings(products: int, rng: np.random.Generator) -> list[_PlannedListing]:
    """The listings in the catalog's order, shuffled so that neither order nor id reveals a group.

    Of four products in the order [2, 0, 3, 1], with two relisted, one of them twice, and one listing without
    image: (group, copy) is (2, 0), (0, 0), (3, 0), (1, 0), (2, 1), (0, 1), (2, 2) before shuffling, and
    product 3 has no image.
    """
    order = rng.permutation(products).tolist()
    relisted = round(products * _RELISTED_SHARE)
    relisted_twice = round(relisted * _RELISTED_TWICE_SHARE)
    missing = round(products * _MISSING_SHARE)
    copies = [(group, 0) for group in order]
    copies += [(group, 1) for group in order[:relisted]]
    copies += [(group, 2) for group in order[:relisted_twice]]
    missing_of = dict.fromkeys(order[relisted : relisted + missing], "image")
    missing_of |= dict.fromkeys(order[relisted + missing : relisted + 2 * missing], "title")
    shuffled = [copies[place] for place in rng.permutation(len(copies))]
    return [
        _PlannedListing(f"{row:06d}", group, copy, missing_of.get(group, ""))
        for row, (group, copy) in enumerate(shuffled, 1)
    ]


def _by_group(listings: Sequence[_PlannedListing]) -> Iterable[list[_PlannedListing]]:
    """The listings of each product, first listing first."""
    groups: dict[int, list[_PlannedListing]] = {}
    for listing in sorted(listings, key=lambda listing: (listing.group, listing.copy)):
        groups.setdefault(listing.group, []).append(listing)
    return groups.values()


def draw_picture(product: SampleProduct) -> Image.Image:
    """The unedited picture of a product, RGB, SIDE x SIDE."""
    canvas = Canvas(product.background)
    product.kind.draw(canvas, product.look)
    return canvas.picture()


def _draw(
    product: SampleProduct, listings: Sequence[_PlannedListing], out: Path, seed: int
) -> Iterator[tuple[str, ...]]:
    """Saves the pictures of a product's listings, and yields their rows of the catalog."""
    rng = np.random.default_rng((seed, listings[0].group))
    kind, picture = product.kind, draw_picture(product)
    price = int(rng.integers(*kind.prices)) + 0.9
    sellers = rng.permutation(SELLERS).tolist()
    for listing in listings:
        title, image, brand = product.title, picture, product.brand
        if listing.copy:
            title, edits = reword(title, product.attributes, rng, int(rng.integers(1, 4)))
            brand = "" if "no_brand" in edits or "attributes" in edits else brand
            image, _ = rephotograph(picture, rng, int(rng.integers(1, 4)))
            price = int(price * rng.uniform(0.85, 1.15)) + 0.99
        path = "" if listing.missing == "image" else f"images/{listing.id}.jpg"
        if path:
            image.save(out / path, quality=_JPEG_QUALITY)
        title = "" if listing.missing == "title" else title
        seller = sellers[listing.copy]
        yield listing.id, title, path, kind.category, brand, product.colour, f"{price:.2f}", seller


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
