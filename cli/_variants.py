"""The options that set variant rules, shared by `duplicates`, `explain` and `calibrate`."""

from __future__ import annotations

from typing import Annotated

import typer

IgnoreVariant = Annotated[
    list[str],
    typer.Option(help="A variant rule to switch off: size, capacity, pack, model or colour. Repeatable."),
]
VariantColumn = Annotated[
    list[str], typer.Option(help="A column in whose values variants differ, such as size. Repeatable.")
]
