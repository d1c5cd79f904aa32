"""The commands `itemsearch benchmark report` and `compare`, which read finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._benchmark import benchmark_extra, print_metrics
from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, table


def report(
    run: Annotated[Path, typer.Argument(help="Run folder of a finished benchmark.")],
    as_json: AsJson = False,
) -> None:
    """Make the report of a run again from its predictions.

    Example: itemsearch benchmark report run
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.report import run as report_again

    print_metrics(report_again(run), run, as_json)


def compare(
    first: Annotated[Path, typer.Argument(help="Run folder of a finished benchmark.")],
    second: Annotated[Path, typer.Argument(help="Run folder with the same queries.")],
    fail_if: Annotated[
        list[str],
        typer.Option(help="Exit code 4 if a figure falls by more, e.g. recall@10:-0.01; repeatable."),
    ] = [],  # noqa: B006
    method: Annotated[str, typer.Option(help="Method whose figures --fail-if reads.")] = "itemsearch",
    as_json: AsJson = False,
) -> None:
    """Show paired differences between two runs, with intervals.

    Example: itemsearch benchmark compare yesterday today --fail-if "recall@10:-0.01"
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.compare import Limit, check, plain, run

    limits = [Limit.parse(text) for text in fail_if]
    differences = run(first, second)
    if as_json:
        emit_json(plain(differences))
    else:
        rows = [
            (gallery, name, figure, change.signed())
            for gallery, methods in differences.items()
            for name, figures in methods.items()
            for figure, change in figures.items()
        ]
        table(("gallery", "method", "figure", "second minus first"), rows)
    check(differences, method, limits)
