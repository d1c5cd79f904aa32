"""Small catalogs of drawn pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = ("red", "green", "blue", "orange", "purple", "black")
THINGS = ("mug", "lamp", "chair", "shirt", "phone case", "notebook", "backpack", "watch", "cap", "bottle")


def draw_picture(seed: int) -> Image.Image:
    """A picture that no other seed gives: a shape on white."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (48, 64), "white")
    left, top = rng.integers(2, 16, 2).tolist()
    right, bottom = rng.integers(28, 46, 2).tolist()
    colour = COLOURS[seed % len(COLOURS)]
    ImageDraw.Draw(image).ellipse(
        (left, top, right, bottom), fill=colour, outline=tuple(rng.integers(0, 200, 3))
    )
    return image


def titles(count: int) -> list[str]:
    return [f"{COLOURS[i % 6].title()} {THINGS[i % 10].title()} model {i:03d}" for i in range(count)]


def write_offers(folder: Path, listings: int = 12) -> Path:
    """offers.csv without pictures: each product in the words of three sellers."""
    path = folder / "offers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "category", "merchant", "product"])
        for number in range(listings):
            for seller, words in enumerate(
                ("phone X{0}B 64GB", "Acme X{0}B 64 GB black", "X{0}B smartphone")
            ):
                writer.writerow([f"{number}-{seller}", words.format(number), "phone", seller, f"p{number}"])
    return path


def write_catalog(folder: Path, count: int = 60) -> Path:
    """catalog.csv with `count` good rows and their pictures."""
    (folder / "images").mkdir(parents=True)
    path = folder / "catalog.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "category", "price"])
        for number, title in enumerate(titles(count)):
            draw_picture(number).save(folder / "images" / f"{number}.png")
            writer.writerow(
                [f"{number:05d}", title, f"images/{number}.png", THINGS[number % 10], f"{number}.50"]
            )
    return path
