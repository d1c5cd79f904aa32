"""itemsearch duplicates: the pairs of a whole catalog that may be one product."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli._options import AsJson, Other, Where
from cli._output import emit_json, facts, progress


def duplicates(
    index: Annotated[Path, typer.Argument(help="An index folder.")],
    out: Annotated[Path, typer.Option(help="Folder for pairs.parquet and report.html.")],
    min_score: Annotated[float, typer.Option(min=-1.0, max=1.0, help="Least score of a pair.")] = 0.9,
    where: Where = "",
    other: Other = "",
    as_json: AsJson = False,
) -> None:
    """List the pairs of listings that are most alike, with a page of their pictures.

    Example: itemsearch duplicates index --out duplicates --min-score 0.9
    """
    from itemsearch.search.duplicates import write_duplicates
    from itemsearch.search.engine import Engine
    from itemsearch.search.narrow import Filter

    engine = Engine.open(index)
    with progress("listings") as advance:
        report = write_duplicates(engine, out, min_score, Filter(where, other), advance)
    if as_json:
        emit_json(report)
        return
    facts(
        {
            "listings": f"{report.rows:,}",
            "pairs": f"{report.pairs:,} that score {min_score:g} or more: {out / 'pairs.parquet'}",
            "page": f"the best {report.shown:,}: {out / 'report.html'}",
        }
    )
