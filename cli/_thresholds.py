"""What a pair needs to count as a duplicate, as `duplicates` and `explain` are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.duplicates.calibration import Bars
    from itemsearch.search.engine import Engine

MinPrecision = Annotated[
    float | None,
    typer.Option(min=0.5, max=1.0, help="Least share of right pairs, by what itemsearch calibrate learnt."),
]
MinScore = Annotated[
    float | None, typer.Option(min=-1.0, max=1.0, help="Least score of a pair, instead of what was learnt.")
]
