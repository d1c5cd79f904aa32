"""Draw a sample catalog in which some products are listed twice or thrice."""

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
from itemsearch.sample.items import Item, invent_items
from itemsearch.sample.names import SELLERS

_RELISTED_SHARE = 0.15
_RELISTED_TWICE_SHARE = 1 / 3
_MISSING_SHARE = 0.01
_JPEG_QUALITY = 88

COLUMNS = ("id", "title", "image", "category", "brand", "colour", "price", "seller")


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was drawn: `rows` = `products` + `relistings`; the rows that lack something are among them."""

    folder: Path
    products: int
    rows: int
    relistings: int
    without_image: int
    without_title: int
    categories: int


@dataclass(frozen=True, slots=True)
class _Listing:
    """A row to be: `group` is the product's place in the plan, `copy` 0 for its first listing."""

    id: str
    group: int
    copy: int
    lacks: str


def draw_catalog(out: Path, products: int = 2000, seed: int = 0) -> SampleReport:
    """Draw `products` different products into the folder `out`, some of them listed again by other sellers.

    Writes `catalog.csv` (`COLUMNS`), `images/*.jpg` (about 320 pixels a side) and, as the truth,
    `labels.csv` (id, group): rows of one product share a group. Three products of twenty are listed
    again with other words and an edited picture, a third of those twice; one row in a hundred lacks its
    picture and one its title, never a row of a product that is listed again. The same arguments give
    the same bytes under the same Pillow. Raises UsageError where `out` is in use or a number is wrong.
    """
    if products < 1 or seed < 0:
        raise UsageError(f"{products} products of seed {seed}: at least 1 product, and a seed of at least 0")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is in use; name a folder that is empty or does not exist yet")
    rng = np.random.default_rng(seed)
    items = invent_items(products, rng)
    listings = _plan_listings(len(items), rng)
    (out / "images").mkdir(parents=True)
    rows = [row for own in _by_group(listings) for row in _draw(items[own[0].group], own, out, seed)]
    _write_table(out / "catalog.csv", COLUMNS, sorted(rows))
    _write_table(out / "labels.csv", ("id", "group"), ((listing.id, listing.group) for listing in listings))
    return SampleReport(
        folder=out,
        products=len(items),
        rows=len(listings),
        relistings=len(listings) - len(items),
        without_image=sum(listing.lacks == "image" for listing in listings),
        without_title=sum(listing.lacks == "title" for listing in listings),
        categories=len({item.kind.category for item in items}),
    )


def _plan_listings(products: int, rng: np.random.Generator) -> list[_Listing]:
    """The catalog's rows in order: shuffled, so that neither order nor id tells what belongs together."""
    order = rng.permutation(products).tolist()
    relisted = round(products * _RELISTED_SHARE)
    twice = round(relisted * _RELISTED_TWICE_SHARE)
    missing = round(products * _MISSING_SHARE)
    again = [(group, 1) for group in order[:relisted]] + [(group, 2) for group in order[:twice]]
    lacks = dict.fromkeys(order[relisted : relisted + missing], "image")
    lacks |= dict.fromkeys(order[relisted + missing : relisted + 2 * missing], "title")
    places = [(group, 0) for group in order] + again
    shuffled = [places[place] for place in rng.permutation(len(places))]
    return [
        _Listing(f"{row:06d}", group, copy, lacks.get(group, ""))
        for row, (group, copy) in enumerate(shuffled, 1)
    ]


def _by_group(listings: Sequence[_Listing]) -> Iterable[list[_Listing]]:
    """The listings of each product, first listing first."""
    groups: dict[int, list[_Listing]] = {}
    for listing in sorted(listings, key=lambda listing: (listing.group, listing.copy)):
        groups.setdefault(listing.group, []).append(listing)
    return groups.values()


def draw_picture(item: Item) -> Image.Image:
    """The maker's own picture of a product, RGB, SIDE x SIDE."""
    canvas = Canvas(item.ground)
    item.kind.draw(canvas, item.look)
    return canvas.picture()


def _draw(item: Item, listings: Sequence[_Listing], out: Path, seed: int) -> Iterator[tuple[str, ...]]:
    """Draw a product once and list it as often as planned; yields the rows."""
    rng = np.random.default_rng((seed, listings[0].group))
    picture = draw_picture(item)
    price = int(rng.integers(*item.kind.prices)) + 0.9
    sellers = rng.permutation(SELLERS).tolist()
    for listing in listings:
        title, image, brand = item.title, picture, item.brand
        if listing.copy:
            title, edits = reword(title, item.attributes, rng, int(rng.integers(1, 4)))
            brand = "" if "no_brand" in edits or "attributes" in edits else brand
            image, _ = rephotograph(picture, rng, int(rng.integers(1, 4)))
            price = int(price * rng.uniform(0.85, 1.15)) + 0.99
        path = "" if listing.lacks == "image" else f"images/{listing.id}.jpg"
        if path:
            image.save(out / path, quality=_JPEG_QUALITY)
        title = "" if listing.lacks == "title" else title
        seller = sellers[listing.copy]
        yield listing.id, title, path, item.kind.category, brand, item.colour, f"{price:.2f}", seller


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
