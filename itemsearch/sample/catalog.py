"""Generation of a sample catalog as a shop has it, in which some products have two or three listings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from itemsearch.errors import UsageError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.sample.canvas import Canvas, Pen
from itemsearch.sample.products import SampleProduct, invent_products
from itemsearch.sample.shop import PlannedListing, plan_listings

_JPEG_QUALITY = 88

COLUMNS = ("id", "title", "image", "category", "brand", "colour", "price", "seller", "gtin")
PLACEHOLDER = "images/no-image.jpg"
"""The picture of the listings whose own one the shop lacks."""


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Counts of a sample catalog: `rows` = `products` + `relistings`, with or without image or title.

    with_placeholder: rows with the picture `PLACEHOLDER`.
    """

    folder: Path
    products: int
    rows: int
    relistings: int
    without_image: int
    without_title: int
    with_placeholder: int
    categories: int


def draw_catalog(out: Path, products: int = 2000, seed: int = 0, progress: Progress = silent) -> SampleReport:
    """Writes a catalog of invented products, some of them with several listings, to the folder `out`.

    The files are `catalog.csv` (`COLUMNS`), `images/*.jpg` (about 320 pixels a side) and the ground truth
    `labels.csv` (id, group), in which listings of one product share a group. One product of ten is in a
    family that differs in one attribute (see `invent_products`). Most products are listed by one shop, the
    others by other sellers. Three of twenty have a second listing with an edited title and picture, mostly by
    another seller, and a third of those have a third one. Most listings have the product's GTIN, some none or
    a placeholder. Of the products that are listed once, one in a hundred each has no image, no title, or a
    placeholder picture. The same arguments give the same bytes with the same version of Pillow.

    Raises:
        UsageError: `out` is not empty, or a number is out of range.
    """
    if products < 1 or seed < 0:
        raise UsageError(f"{products} products of seed {seed}: at least 1 product, and a seed of at least 0")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is in use; name a folder that is empty or does not exist yet")
    rng = np.random.default_rng(seed)
    invented = invent_products(products, rng)
    listings = plan_listings(len(invented), rng)
    (out / "images").mkdir(parents=True)
    if any(listing.missing == "placeholder" for listing in listings):
        _draw_placeholder().save(out / PLACEHOLDER, quality=_JPEG_QUALITY)
    rows: list[tuple[str, ...]] = []
    for number, group in enumerate(_by_group(listings), 1):
        rows += _draw(invented[group[0].group], group, out, seed)
        progress("products drawn", number, len(invented))
    _write_table(out / "catalog.csv", COLUMNS, sorted(rows))
    _write_table(out / "labels.csv", ("id", "group"), ((listing.id, listing.group) for listing in listings))
    return SampleReport(
        folder=out,
        products=len(invented),
        rows=len(listings),
        relistings=len(listings) - len(invented),
        without_image=sum(listing.missing == "image" for listing in listings),
        without_title=sum(listing.missing == "title" for listing in listings),
        with_placeholder=sum(listing.missing == "placeholder" for listing in listings),
        categories=len({product.kind.category for product in invented}),
    )


def _by_group(listings: Sequence[PlannedListing]) -> Iterable[list[PlannedListing]]:
    """The listings of each product, first listing first."""
    groups: dict[int, list[PlannedListing]] = {}
    for listing in sorted(listings, key=lambda listing: (listing.group, listing.copy)):
        groups.setdefault(listing.group, []).append(listing)
    return groups.values()


def draw_picture(product: SampleProduct) -> Image.Image:
    """The unedited picture of a product, RGB, SIDE x SIDE."""
    canvas = Canvas(product.background)
    product.kind.draw(canvas, product.look)
    return canvas.picture()


def _draw(
    product: SampleProduct, listings: Sequence[PlannedListing], out: Path, seed: int
) -> Iterator[tuple[str, ...]]:
    """Saves the pictures of a product's listings, and yields their rows of the catalog."""
    rng = np.random.default_rng((seed, listings[0].group))
    kind, picture = product.kind, draw_picture(product)
    price = int(rng.integers(*kind.prices)) + 0.9
    for listing in listings:
        title, image, brand, asked = product.title, picture, product.brand, price
        if listing.copy:
            title, edits = reword(title, product.attributes, rng, int(rng.integers(1, 4)))
            brand = "" if "no_brand" in edits or "attributes" in edits else brand
            image, _ = rephotograph(picture, rng, int(rng.integers(1, 4)))
            asked = int(price * rng.uniform(0.92, 1.08)) + 0.99
        path = {"image": "", "placeholder": PLACEHOLDER}.get(listing.missing, f"images/{listing.id}.jpg")
        if path not in ("", PLACEHOLDER):
            image.save(out / path, quality=_JPEG_QUALITY)
        title = "" if listing.missing == "title" else title
        cells = (kind.category, brand, product.colour, f"{asked:.2f}", listing.seller, listing.gtin)
        yield listing.id, title, path, *cells


def _draw_placeholder() -> Image.Image:
    """A grey picture that says that there is none."""
    canvas = Canvas((238, 238, 238))
    canvas.paint(Pen().text((0.5, 0.5), "NO IMAGE", 0.11), (150, 150, 150))
    return canvas.picture()


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
