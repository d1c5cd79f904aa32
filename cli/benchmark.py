"""The commands `itemsearch benchmark retrieval`, `category`, `pairs` and `all`, and their group."""

from __future__ import annotations

from typing import Annotated

import typer

from itemsearch.cli._app import App
from itemsearch.cli._benchmark import (
    Baseline,
    Models,
    NoBaselines,
    Out,
    PairOther,
    Seed,
    TuneOn,
    benchmark_extra,
    print_metrics,
)
from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._options import (
    AsJson,
    Catalog,
    Model,
    TorchDevice,
    column_mapping,
)
from itemsearch.cli._output import note
from itemsearch.cli._variants import MinPrecision
from itemsearch.cli.benchmark_runs import compare, report
from itemsearch.cli.benchmark_speed import embed, index

benchmark_app = App("benchmark", "Measure retrieval, duplicates, recall and speed.")
benchmark_app.command()(index)
benchmark_app.command()(embed)
benchmark_app.command()(report)
benchmark_app.command()(compare)


@benchmark_app.command()
@with_catalog_options
def retrieval(
    catalog: Annotated[str, typer.Argument(help="Catalog of the listings to be found.")],
    out: Out,
    reading: CatalogOptions,
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
        catalog=reading.config(catalog),
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
@with_catalog_options
def category(
    train: Annotated[str, typer.Argument(help="Catalog to learn categories from.")],
    out: Out,
    reading: CatalogOptions,
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
        train=reading.config(train),
        test=reading.config(test) if test else None,
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
@with_catalog_options
def pairs(
    catalog: Annotated[str, typer.Argument(help="Catalog whose duplicates are measured.")],
    out: Out,
    reading: CatalogOptions,
    truth: Annotated[
        str,
        typer.Option(
            help="File of id_a and id_b: the pairs that are one product; every other pair is two. Default: "
            "one product in ten is relisted by another seller."
        ),
    ] = "",
    same: Annotated[
        str, typer.Option(help="Column that is equal for listings of one product, in place of --truth.")
    ] = "",
    other: PairOther = "",
    min_precision: MinPrecision = 0.95,
    labels: Annotated[
        int,
        typer.Option(
            min=0, help="Also with so many compared pairs labelled by the truth; the rest is measured."
        ),
    ] = 0,
    model: Model = "default",
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    as_json: AsJson = False,
) -> None:
    """Measure the duplicates that are found without labels, and the probabilities of the pairs.

    Example: itemsearch benchmark pairs shop.parquet --truth pairs.csv --out run
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.pairs import PairsConfig, run

    config = PairsConfig(
        catalog=reading.config(catalog),
        truth=truth,
        same=same,
        other=other,
        min_precision=min_precision,
        labels=labels,
        model=model,
        device=device,
        seed=seed,
        baselines=not no_baselines,
    )
    print_metrics(run(config, out, note), out, as_json)


@benchmark_app.command("all")
@with_catalog_options
def suite(
    catalog: Catalog,
    out: Out,
    reading: CatalogOptions,
    same: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    other: PairOther = "",
    tune_on: TuneOn = "",
    model: Models = ["default"],  # noqa: B006
    device: TorchDevice = "auto",
    seed: Seed = 0,
    no_baselines: NoBaselines = False,
    baseline: Baseline = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Run every benchmark on one catalog into one report.

    Example: itemsearch benchmark all shop.parquet --out run
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.all import AllConfig, run

    config = AllConfig(
        catalog=reading.config(catalog),
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
