"""Splits a catalog of offers by product, so that training and evaluation have no product in common.

    python -m itemsearch.benchmarks.experiments.split_offers OFFERS.csv --out DIR

Writes DIR/learn.csv (three eighths of the products, for pre-training), calibrate.csv (one eighth, to fit the
ranking) and figures.csv (half, for evaluation). The part of a product depends on its `product` value alone.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections import Counter
from pathlib import Path

PARTS = ("figures",) * 4 + ("learn",) * 3 + ("calibrate",)


def part_of(product: str) -> str:
    """The part of a product: "figures", "learn" or "calibrate"."""
    return PARTS[zlib.crc32(product.encode()) % len(PARTS)]


def split_offers(source: Path, out: Path) -> Counter[str]:
    """Writes the three files into `out`; returns the number of offers in each."""
    out.mkdir(parents=True, exist_ok=True)
    with source.open(newline="", encoding="utf-8") as file:
        offers = list(csv.DictReader(file))
    for part in sorted(set(PARTS)):
        with (out / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(offers[0]))
            writer.writeheader()
            writer.writerows(offer for offer in offers if part_of(offer["product"]) == part)
    return Counter(part_of(offer["product"]) for offer in offers)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.split_offers")
    parser.add_argument("offers", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for part, count in sorted(split_offers(arguments.offers, arguments.out).items()):
        print(f"{count:,} offers in {arguments.out / part}.csv")


if __name__ == "__main__":
    main()
