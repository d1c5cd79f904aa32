"""A catalog in which two sellers list the same products."""

from __future__ import annotations

import csv
from pathlib import Path

from support.catalogs import draw_picture, titles, write_catalog

LISTED_TWICE = 30


def write_sellers(folder: Path, first: int) -> Path:
    """60 products with pictures, the first `LISTED_TWICE` of them listed by two sellers."""
    catalog = write_catalog(folder, 60)
    rows = list(csv.reader(catalog.read_text().splitlines()))[1:]
    with catalog.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "category", "product", "seller"])
        for number, (id, _, image, category, _) in enumerate(rows):
            draw_picture(first + number).save(folder / image)
            title = titles(first + 60)[first + number]
            writer.writerow([id, title, image, category, id, "one"])
            if number < LISTED_TWICE:
                writer.writerow([f"{id}:2", f"{title} new", image, category, id, "two"])
    return catalog
