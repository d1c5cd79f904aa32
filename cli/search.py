"""The command `itemsearch search`: finds the listings most similar to one query or to a file of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, MaxBadRate, Other, TorchDevice, Where
from itemsearch.cli._output import emit_json, note, progress, table
from itemsearch.errors import TooManyBadRowsError, UsageError

if TYPE_CHECKING:
    from itemsearch.search.batch import BatchConfig
    from itemsearch.search.engine import Engine
    from itemsearch.search.results import Hit
    from itemsearch.types import Reject

SHOWN_REJECTS = 20


def search(
    index: Annotated[Path, typer.Argument(help="Index folder.")],
    id: Annotated[str | None, typer.Option("--id", help="Search by a listing of the index.")] = None,
    title: Annotated[str, typer.Option(help="Search by a title.")] = "",
    image: Annotated[Path | None, typer.Option(help="Search by an image, alone or with a title.")] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="File of queries: CSV, JSON or Parquet with query_id and title, image or embedding."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Results of --queries: .parquet, .csv, .jsonl or .xlsx.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Results for each query.")] = 10,
    min_score: Annotated[float, typer.Option(min=-1.0, max=1.0, help="Least score of a result.")] = -1.0,
    where: Where = "",
    other: Other = "",
    model: Annotated[
        str, typer.Option(help="Model that embeds the query. Default: the model of the index.")
    ] = "",
    device: TorchDevice = "auto",
    max_bad_rate: MaxBadRate = 0.05,
    as_json: AsJson = False,
) -> None:
    """Find the listings most similar to a query. The query is an id, a title, an image, or a file of queries.

    Example: itemsearch search index --title "black leather belt" --image belt.jpg
    """
    from itemsearch.search.engine import Engine
    from itemsearch.search.filter import Filter
    from itemsearch.table_files import check_out

    if k < 1:
        raise UsageError(f"-k is {k}: give 1 or more")
    if (queries is None) != (out is None):
        raise UsageError("--queries and --out belong together")
    if queries is not None and (id is not None or title or image is not None):
        raise UsageError("give either --queries, or --id, or --title and/or --image")
    if queries is not None and out is not None:
        check_out("--out", out, [queries])
    engine = Engine.open(index, model, device)
    if queries is not None and out is not None:
        from itemsearch.search.batch import BatchConfig

        config = BatchConfig(k, min_score, Filter(where, other))
        _search_file(engine, queries, out, config, max_bad_rate, as_json)
        return
    result = engine.search(
        id=id, title=title, image=image, k=k, min_score=min_score, where=where, other=other
    )
    if as_json:
        query = {"id": id, "title": title or None, "image": image and str(image)}
        hits = [asdict(hit) for hit in result.hits]
        emit_json({"query": query, "k": k, "results": hits, "incomparable": result.incomparable})
        return
    if result.hits:
        _show(result.hits)
    else:
        note("nothing found under these conditions")
    if result.incomparable:
        note(
            f"{result.incomparable:,} of the nearest listings could not be compared with the query, for want "
            "of a title or an image; they come last"
        )


def _show(hits: Sequence[Hit]) -> None:
    rows = [
        [
            str(hit.rank),
            f"{hit.score:.4f}",
            f"{hit.joint:.3f}",
            _cell(hit.title_similarity),
            _cell(hit.image_similarity),
            hit.id,
            hit.title,
            hit.category,
        ]
        for hit in hits
    ]
    table(["rank", "score", "joint", "title_similarity", "image_similarity", "id", "title", "category"], rows)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _search_file(
    engine: Engine, queries: Path, out: Path, config: BatchConfig, max_bad_rate: float, as_json: bool
) -> None:
    from itemsearch.search.batch import search_file

    rejects = 0

    def show(reject: Reject) -> None:
        nonlocal rejects
        rejects += 1
        if rejects <= SHOWN_REJECTS:
            place = f"row {reject.row}, query_id {reject.id!r}"
            note(f"query rejected: {place}: {reject.reason.value}: {reject.message}")

    with progress("queries") as advance:
        report = search_file(engine, str(queries), out, config, show, advance)
    if report.rejected > SHOWN_REJECTS:
        note(f"... and {report.rejected - SHOWN_REJECTS:,} more queries rejected")
    if as_json:
        emit_json(report)
    else:
        print(
            f"{report.rows:,} queries = {report.answered:,} answered + {report.rejected:,} rejected; "
            f"{report.results:,} results in {out}"
        )
        if report.incomparable:
            note(
                f"{report.incomparable:,} times a near listing could not be compared with its query, for "
                "want of a title or an image, and came last"
            )
    if report.rejected > max_bad_rate * report.rows:
        raise TooManyBadRowsError(
            f"{report.rejected} of {report.rows} queries rejected, more than --max-bad-rate {max_bad_rate:g}"
        )
