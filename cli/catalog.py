"""itemsearch sample-catalog and check: a catalog to play with, and what a catalog holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._options import AsJson, Catalog, Columns, ImageRoot, MaxBadRate, catalog_config
from itemsearch.cli._output import emit_json, facts, progress
from itemsearch.errors import TooManyBadRowsError


def sample_catalog(
    folder: Annotated[Path, typer.Argument(help="Folder to draw into; new or empty.")],
    products: Annotated[
        int, typer.Option(min=1, help="Different products; some are then listed again.")
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same catalog.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw a catalog with known near-duplicates: catalog.csv, images/ and labels.csv.

    Example: itemsearch sample-catalog sample --products 500
    """
    from itemsearch.sample.catalog import draw_catalog

    report = draw_catalog(folder, products, seed)
    if as_json:
        emit_json({**asdict(report), "folder": str(folder)})
        return
    facts(
        {
            "products": f"{report.products:,} in {report.categories} categories",
            "listed again": f"{report.relistings:,}",
            "rows": f"{report.rows:,} in {folder / 'catalog.csv'}",
            "truth": str(folder / "labels.csv"),
        }
    )


def check(
    catalog: Catalog,
    column: Columns = [],  # noqa: B006 (typer reads the default, nobody changes it)
    image_root: ImageRoot = None,
    max_bad_rate: MaxBadRate = 0.05,
    as_json: AsJson = False,
) -> None:
    """Read a catalog without embedding it: counts, and every kind of bad row with examples.

    Example: itemsearch check shop.csv
    """
    from itemsearch.catalog import check_catalog

    with progress("reading"):
        found = check_catalog(catalog_config(catalog, column, image_root))
    rejected = sum(found.rejects.values())
    if as_json:
        emit_json({**asdict(found), "rejected": rejected})
    else:
        facts(
            {
                "rows": f"{found.rows:,}",
                "usable": f"{found.listings:,} ({found.without_title:,} without title, "
                f"{found.without_image:,} without image)",
                "categories": f"{found.categories:,}",
                "rejected": f"{rejected:,}",
            }
        )
        for reason, count in found.rejects.items():
            print(f"\n{count:,} {reason.value}")
            for example in found.examples[reason]:
                print(f"  row {example.row}, id {example.id!r}: {example.message}")
    if rejected > max_bad_rate * found.rows:
        raise TooManyBadRowsError(
            f"{rejected} of {found.rows} rows would be rejected, more than --max-bad-rate {max_bad_rate:g}"
        )
