"""The commands `itemsearch benchmark retrieval`, `category`, `pairs` and `all`, and their group."""

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
    print_metrics,
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
    help="Measure retrieval, duplicates, recall and speed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
benchmark_app.command()(index)
benchmark_app.command()(embed)
benchmark_app.command()(report)
benchmark_app.command()(compare)


@benchmark_app.command()
def retrieval(
    catalog: Annotated[str, typer.Argument(help="Catalog of the listings to be found.")],
    out: Out,
    queries: Annotated[
        str, typer.Option(help="File of queries with expected_id, the listing that each should find.")
    ] = "",
    query_column: Annotated[
        list[str], typer.Option(help="Column of --queries for a role, e.g. title=name; repeatable.")
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    same: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    dataset: Annotated[
        str,
        typer.Option(
            help="The catalog is the folder of a public data set: shopee, online-products, berkeley-objects "
            "or fashion-product-images."
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
    """Measure how often a search finds the right listing.

    The right listing is a relisted product, one that a queries file names, or one of a known group.

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
    print_metrics(run(config, out, note), out, as_json)


@benchmark_app.command()
def category(
    train: Annotated[str, typer.Argument(help="Catalog to learn categories from.")],
    out: Out,
    test: Annotated[
        str,
        typer.Option(
            help="Catalog whose categories are predicted. Default: one in five products of the first."
        ),
    ] = "",
    group: Annotated[
        str, typer.Option(help="Column that is equal for listings of one product, which stay in one part.")
    ] = "",
    rows: Annotated[
        int | None, typer.Option(min=10, help="Maximum number of listings to learn from.")
    ] = None,
    column: Columns = [],  # noqa: B006
    model: Models = ["default"],  # noqa: B006
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    baseline: Baseline = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Measure how well embeddings predict categories. A linear probe and 10 nearest neighbours predict them.

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
    print_metrics(run(config, out, note), out, as_json)


@benchmark_app.command()
def pairs(
    catalog: Annotated[str, typer.Argument(help="Catalog whose groups are measured.")],
    calibrate_on: Annotated[str, typer.Option(help="Catalog of other products, used for calibration.")],
    out: Out,
    same: Annotated[
        str,
        typer.Option(
            help="Column that is equal for listings of one product. Default: one product in ten is relisted."
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
    """Measure the groups of duplicates of a catalog. Its products are known or relisted.

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
    print_metrics(run(config, out, note), out, as_json)


@benchmark_app.command("all")
def suite(
    catalog: Catalog,
    out: Out,
    calibrate_on: Annotated[
        str,
        typer.Option(
            help="Catalog of other products, used for calibration; without it pairs are not measured."
        ),
    ] = "",
    same: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    other: Annotated[str, typer.Option(help="Column in which the two listings of a pair differ.")] = "seller",
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
    """Run every benchmark on one catalog into one report.

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
    print_metrics(run(config, out, note), out, as_json)
