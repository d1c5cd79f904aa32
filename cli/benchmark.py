"""itemsearch benchmark: how well a model finds, beside the usual means."""

from __future__ import annotations

from typing import Annotated

import typer

from itemsearch.cli._benchmark import (
    Baseline,
    CalibratedFor,
    Models,
    NoBaselines,
    Out,
    Seed,
    TuneOn,
    benchmark_extra,
    tell,
)
from itemsearch.cli._options import (
    AsJson,
    Catalog,
    Columns,
    ImageRoot,
    Model,
    Other,
    TorchDevice,
    catalog_config,
    column_mapping,
)
from itemsearch.cli._output import note
from itemsearch.cli.benchmark_runs import compare, report
from itemsearch.cli.benchmark_speed import embed, index

benchmark_app = typer.Typer(
    help="Measure recall and categories, beside the usual means.", no_args_is_help=True
)
benchmark_app.command()(index)
benchmark_app.command()(embed)
benchmark_app.command()(report)
benchmark_app.command()(compare)


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
    tune_on: TuneOn = "",
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
    with benchmark_extra():
        from itemsearch.benchmarks.runs.retrieval import RetrievalConfig, run

    config = RetrievalConfig(
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
    tell(run(config, out, note), out, as_json)


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
    with benchmark_extra():
        from itemsearch.benchmarks.runs.category import CategoryConfig, run

    config = CategoryConfig(
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
    tell(run(config, out, note), out, as_json)


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
    with benchmark_extra():
        from itemsearch.benchmarks.runs.pairs import PairsConfig, run

    config = PairsConfig(
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
    tell(run(config, out, note), out, as_json)


@benchmark_app.command("all")
def suite(
    catalog: Catalog,
    out: Out,
    calibrate_on: Annotated[
        str, typer.Option(help="Catalog of other products, which groups of duplicates are calibrated on.")
    ] = "",
    same: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    other: Annotated[
        str, typer.Option(help="Column in which listings of a pair differ, where --calibrate-on is given.")
    ] = "seller",
    tune_on: TuneOn = "",
    column: Columns = [],  # noqa: B006
    image_root: ImageRoot = None,
    model: Models = ["default"],  # noqa: B006
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    baseline: Baseline = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Run every benchmark on one catalog, and put their main tables together.

    Example: itemsearch benchmark all held-out.parquet --calibrate-on shop.parquet --out run
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.all import AllConfig, run

    config = AllConfig(
        catalog=catalog_config(catalog, column, image_root),
        calibrate_on=catalog_config(calibrate_on, column, image_root) if calibrate_on else None,
        same=same,
        other=other,
        tune_on=tune_on,
        models=tuple(model),
        device=device,
        seed=seed,
        baselines=not no_baselines,
        others=tuple(baseline),
    )
    tell(run(config, out, note), out, as_json)
