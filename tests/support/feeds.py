"""A shop's catalog and a feed of another seller, of which some listings are in the catalog."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from support.catalogs import COLOURS, THINGS, draw_picture

Row = dict[str, str]
COLUMNS = ("id", "title", "image", "category", "gtin", "brand")


def product_title(number: int) -> str:
    """Titles that share no rare word: "Ovoka Purple Lamp L17"."""
    syllables = ("ka", "lo", "vi", "ru", "se", "mo", "ta", "ne", "pi", "du")
    name = "".join(syllables[number // power % 10] for power in (1, 10, 100)) + syllables[number % 7]
    kind = f"{COLOURS[number % 6].title()} {THINGS[number % 10].title()}"
    return f"{name.title()} {kind} {name[:3]}{number * 37 % 91}x"


def product(number: int, id: str, title: str = "", **more: str) -> Row:
    """A listing of a product; its picture shows no other one."""
    return {"id": id, "title": title or product_title(number), "image": f"{number}.png", **more}


def write_listings(folder: Path, name: str, rows: Sequence[Row]) -> Path:
    """A CSV of listings, and their pictures beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        image = row.get("image", "")
        if image and image[0].isdigit():
            draw_picture(int(image.removesuffix(".png"))).save(folder / image)
    path = folder / name
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
