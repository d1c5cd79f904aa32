"""What makes two listings variants, as `duplicates` and `explain` are told."""

from __future__ import annotations

from typing import Annotated

import typer

IgnoreVariant = Annotated[
    list[str],
    typer.Option(
        help="A difference that makes no variant: size, capacity, pack, model or colour. Repeatable."
    ),
]
VariantColumn = Annotated[
    list[str], typer.Option(help="A column whose values tell variants apart, such as size. Repeatable.")
]
