"""itemsearch benchmark: how well a model finds, beside the usual means."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from cli._options import (
    AsJson,
    Columns,
    ImageRoot,
    Model,
    Other,
    TorchDevice,
    catalog_config,
    column_mapping,
)
from cli._output import emit_json, note, table
from itemsearch.errors import UsageError

benchmark_app = typer.Typer(
    help="Measure recall and categories, beside the usual means.", no_args_is_help=True
)

Out = Annotated[Path, typer.Option(help="Folder for report.md, metrics.json and what they were made of.")]
Seed = Annotated[int, typer.Option(help="Of edits and samples.")]
CalibratedFor = Annotated[
    float, typer.Option("--min-precision", help="Share of right pairs that the calibration is to keep.")
]
NoBaselines = Annotated[bool, typer.Option("--no-baselines", help="Measure the model alone.")]
Models = Annotated[
    list[str], typer.Option("--model", help="Model folder or hub name; repeat to measure several.")
]
Baseline = Annotated[
    list[str],
    typer.Option(help="Another's model to compare with: transformers, sentence-transformers or CLIP."),
]


@benchmark_app.command()
def retrieval(
    catalog: Annotated[str, typer.Argument(help="The products to be found.")],
    out: Out,
    queries: Annotated[
        str, typer.Option(help="File of listings, with expected_id: what each should find.")
    ] = "",
    query_column: Annotated[
        list[str], typer.Option(help="Which column of --queries holds what, e.g. title=name.")
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    same: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    dataset: Annotated[
        str,
        typer.Option(
            help="CATALOG is the folder of a public set: shopee, online-products, berkeley-objects or "
            "fashion-product-images."
        ),
    ] = "",
    tune_on: Annotated[str, typer.Option(help="Catalog to choose the weighted baseline's weight on.")] = "",
    column: Columns = [],  # noqa: B006
    image_root: ImageRoot = None,
    model: Models = ["default"],  # noqa: B006
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    baseline: Baseline = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Find the same product: listed again with heavy edits, by a queries file, or by known groups.

    Example: itemsearch benchmark retrieval held-out.parquet --out run
    """
    benchmark = _load("retrieval")
    config = benchmark.RetrievalConfig(
        catalog=catalog_config(catalog, column, image_root),
        queries=queries,
        query_columns=column_mapping("--query-column", query_column),
        same=same,
        dataset=dataset,
        tune_on=tune_on,
        models=tuple(model),
        device=device,
        seed=seed,
        baselines=not no_baselines,
        others=tuple(baseline),
    )
    _tell(benchmark.run(config, out, note), out, as_json)


@benchmark_app.command()
def category(
    train: Annotated[str, typer.Argument(help="Products to learn categories from.")],
    out: Out,
    test: Annotated[
        str,
        typer.Option(help="Products whose categories are to be found; one in five of TRAIN's by default."),
    ] = "",
    group: Annotated[
        str, typer.Option(help="Column that is equal for listings of one product: none is in both parts.")
    ] = "",
    rows: Annotated[int | None, typer.Option(min=10, help="Learn from so many of the products.")] = None,
    column: Columns = [],  # noqa: B006
    model: Models = ["default"],  # noqa: B006
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    baseline: Baseline = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Predict the leaf category from frozen embeddings: a linear probe, and 10 nearest neighbours.

    Example: itemsearch benchmark category train.parquet --test test.parquet --out run
    """
    benchmark = _load("category")
    config = benchmark.CategoryConfig(
        train=catalog_config(train, column, None),
        test=catalog_config(test, column, None) if test else None,
        group=group,
        models=tuple(model),
        device=device,
        rows=rows,
        seed=seed,
        baselines=not no_baselines,
        others=tuple(baseline),
    )
    _tell(benchmark.run(config, out, note), out, as_json)


@benchmark_app.command()
def pairs(
    catalog: Annotated[str, typer.Argument(help="The products whose groups are measured.")],
    calibrate_on: Annotated[str, typer.Option(help="Catalog of other products to calibrate on.")],
    out: Out,
    same: Annotated[
        str,
        typer.Option(
            help="Column that is equal for listings of one product. Without: one in ten is relisted."
        ),
    ] = "",
    other: Other = "seller",
    min_precision: CalibratedFor = 0.95,
    column: Columns = [],  # noqa: B006
    image_root: ImageRoot = None,
    model: Model = "default",
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    as_json: AsJson = False,
) -> None:
    """Group the duplicates of a catalog whose truth is known, calibrated on another one.

    Example: itemsearch benchmark pairs held-out.parquet --calibrate-on shop.parquet --out run
    """
    benchmark = _load("pairs")
    config = benchmark.PairsConfig(
        catalog=catalog_config(catalog, column, image_root),
        calibrate_on=catalog_config(calibrate_on, column, image_root),
        same=same,
        other=other,
        min_precision=min_precision,
        model=model,
        device=device,
        seed=seed,
        baselines=not no_baselines,
    )
    _tell(benchmark.run(config, out, note), out, as_json)


@benchmark_app.command()
def index(
    vectors: Annotated[
        Path, typer.Argument(help="A store, Parquet with `embedding`, .fvecs, .bvecs, .ivecs or .hdf5.")
    ],
    out: Out,
    queries: Annotated[
        Path | None, typer.Option(help="Vectors to ask with; by default some are taken out of VECTORS.")
    ] = None,
    asked: Annotated[int, typer.Option(min=10, help="How many queries at most.")] = 1000,
    k: Annotated[int, typer.Option("-k", min=1, help="How many results each.")] = 10,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """How true an index is to exact search, and what that costs, beside other kinds of index.

    Example: itemsearch benchmark index store --out run
    """
    benchmark = _load("index")
    _tell(
        benchmark.run(benchmark.IndexBenchConfig(vectors, queries, asked, k, seed), out, note), out, as_json
    )


@benchmark_app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The --out of a finished benchmark.")],
    as_json: AsJson = False,
) -> None:
    """Make the figures and the report of a run again, from its saved predictions.

    Example: itemsearch benchmark report run
    """
    _tell(_load("report").run(run), run, as_json)


@benchmark_app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The --out of a finished benchmark.")],
    second: Annotated[Path, typer.Argument(help="Another of the same queries.")],
    fail_if: Annotated[
        list[str],
        typer.Option(help="Exit code 4 where a figure falls by more, e.g. recall@10:-0.01; repeatable."),
    ] = [],  # noqa: B006
    method: Annotated[str, typer.Option(help="Whose figures --fail-if looks at.")] = "itemsearch",
    as_json: AsJson = False,
) -> None:
    """What the second run does better or worse: paired differences, with 95% intervals.

    Example: itemsearch benchmark compare yesterday today --fail-if "recall@10:-0.01"
    """
    benchmark = _load("compare")
    limits = [benchmark.Limit.parse(text) for text in fail_if]
    differences = benchmark.run(first, second)
    if as_json:
        emit_json(benchmark.plain(differences))
    else:
        rows = [
            (gallery, name, figure, change.signed())
            for gallery, methods in differences.items()
            for name, figures in methods.items()
            for figure, change in figures.items()
        ]
        table(("gallery", "method", "figure", "second minus first"), rows)
    benchmark.check(differences, method, limits)


def _load(name: str) -> Any:
    """A benchmark's module, which registers itself: the command must not depend on what measures it."""
    found = entry_points(group="itemsearch.benchmarks", name=name)
    try:
        return next(iter(found)).load()
    except (StopIteration, ModuleNotFoundError) as error:
        raise UsageError("benchmarks are not installed: pip install 'itemsearch[benchmark]'") from error


def _tell(metrics: Any, out: Path, as_json: bool) -> None:
    if as_json:
        emit_json(metrics)
    else:
        print((out / "report.md").read_text("utf-8"))
