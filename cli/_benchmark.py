"""What the benchmark commands share: options, how a benchmark is loaded, how its figures are told."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from cli._output import emit_json
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


def load(name: str) -> Any:
    """A benchmark's module, which registers itself: the command must not depend on what measures it."""
    found = entry_points(group="itemsearch.benchmarks", name=name)
    try:
        return next(iter(found)).load()
    except (StopIteration, ModuleNotFoundError) as error:
        raise UsageError("benchmarks are not installed: pip install 'itemsearch[benchmark]'") from error


def tell(metrics: Any, out: Path, as_json: bool) -> None:
    if as_json:
        emit_json(metrics)
    else:
        print((out / "report.md").read_text("utf-8"))
