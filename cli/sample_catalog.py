"""The command `itemsearch sample-catalog`: draws a catalog with known duplicates."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts
from itemsearch.cli._progress import progress


def sample_catalog(
    folder: Annotated[Path, typer.Argument(help="Folder for the catalog; new or empty.")],
    products: Annotated[
        int, typer.Option(min=1, help="Number of products; some get a second or third listing.")
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Random seed: the same seed draws the same catalog.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw a sample catalog with known duplicates. Writes catalog.csv, images/ and labels.csv.

    One shop lists most products, one in ten of them in a family that differs in colour, size or another
    detail; other sellers list some again.

    Example: itemsearch sample-catalog sample --products 500
    """
    from itemsearch.sample.catalog import draw_catalog

    with progress() as shown:
        report = draw_catalog(folder, products, seed, shown)
    if as_json:
        emit_json({**asdict(report), "folder": str(folder)})
        return
    facts(
        {
            "products": f"{report.products:,} in {report.categories} categories",
            "listed again": f"{report.relistings:,}",
            "listings": f"{report.rows:,} in {folder / 'catalog.csv'}",
            "labels": str(folder / "labels.csv"),
        }
    )
