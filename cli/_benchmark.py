"""The options that the benchmark commands share, and the printing of their figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from itemsearch.cli._output import emit_json
from itemsearch.errors import UsageError

Out = Annotated[Path, typer.Option(help="Folder for the reports, metrics.json and predictions.parquet.")]
Seed = Annotated[int, typer.Option(help="Random seed of edits and samples.")]
CalibratedFor = Annotated[
    float, typer.Option("--min-precision", help="Least precision that the calibration is to reach.")
]
NoBaselines = Annotated[bool, typer.Option("--no-baselines", help="Leave the baselines out.")]
TuneOn = Annotated[str, typer.Option(help="Catalog on which the weight of the weighted baseline is chosen.")]
Models = Annotated[list[str], typer.Option("--model", help="Model folder or hub name; repeatable.")]
Baseline = Annotated[
    list[str],
    typer.Option(help="Model of transformers, sentence-transformers or CLIP to compare with; repeatable."),
]


@contextmanager
def benchmark_extra() -> Iterator[None]:
    """Wraps the imports of a benchmark, whose libraries are an optional extra.

    Raises:
        UsageError: a library of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'itemsearch[benchmark]'") from error


def print_metrics(metrics: Any, out: Path, as_json: bool) -> None:
    """Prints the figures as JSON, or report.md of the run folder `out`."""
    if as_json:
        emit_json(metrics)
    else:
        print((out / "report.md").read_text("utf-8"))
