"""The options on evidence, shared by `duplicates`, `match` and `calibrate`."""

from __future__ import annotations

from typing import Annotated

import typer

IgnoreVariant = Annotated[
    list[str],
    typer.Option(
        help="A variant rule to switch off: size, capacity, pack, model, colour, number, year, generation, "
        "suffix, strength, audience, side, scent, language or part. Repeatable."
    ),
]
VariantColumn = Annotated[
    list[str], typer.Option(help="A column in whose values variants differ, such as size. Repeatable.")
]
Identifiers = Annotated[
    list[str],
    typer.Option(
        "--identifier",
        help="A column of identifiers, beside those named gtin, ean, upc, isbn, mpn, model or modelno. "
        "Repeatable.",
    ),
]
Compared = Annotated[
    list[str],
    typer.Option(
        "--compare",
        help="A column that agrees more often for one product, beside brand, manufacturer, maker, price and "
        "description. Repeatable.",
    ),
]
MinPrecision = Annotated[
    float,
    typer.Option(min=0.5, max=0.999, help="Least share of right pairs among the duplicates, as estimated."),
]
