"""What the benchmark commands share: options, and how figures are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from itemsearch.cli._output import emit_json
from itemsearch.errors import UsageError

Out = Annotated[Path, typer.Option(help="Folder for report.md, metrics.json and what they were made of.")]
Seed = Annotated[int, typer.Option(help="Of edits and samples.")]
CalibratedFor = Annotated[
    float, typer.Option("--min-precision", help="Share of right pairs that the calibration is to keep.")
]
NoBaselines = Annotated[bool, typer.Option("--no-baselines", help="Measure the model alone.")]
TuneOn = Annotated[str, typer.Option(help="Catalog to choose the weighted baseline's weight on.")]
Models = Annotated[
    list[str], typer.Option("--model", help="Model folder or hub name; repeat to measure several.")
]
Baseline = Annotated[
    list[str],
    typer.Option(help="Another's model to compare with: transformers, sentence-transformers or CLIP."),
]


@contextmanager
def benchmark_extra() -> Iterator[None]:
    """For the imports of a benchmark, whose libraries are an extra.

    Raises:
        UsageError: one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'itemsearch[benchmark]'") from error


def tell(metrics: Any, out: Path, as_json: bool) -> None:
    if as_json:
        emit_json(metrics)
    else:
        print((out / "report.md").read_text("utf-8"))
