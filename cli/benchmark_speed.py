"""The commands `itemsearch benchmark index` and `embed`, which measure recall and speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._benchmark import Out, Seed, benchmark_extra, print_metrics
from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._options import (
    AsJson,
    BatchSize,
    Catalog,
    Model,
    TorchDevice,
)
from itemsearch.cli._progress import progress


def index(
    vectors: Annotated[
        Path,
        typer.Argument(help="Store, Parquet with the column embedding, .fvecs, .bvecs, .ivecs or .hdf5."),
    ],
    out: Out,
    queries: Annotated[
        Path | None, typer.Option(help="Query vectors. Default: some vectors are held out as queries.")
    ] = None,
    max_queries: Annotated[int, typer.Option(min=10, help="Maximum number of queries.")] = 1000,
    k: Annotated[int, typer.Option("-k", min=1, help="Results for each query.")] = 10,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure recall, speed and memory of indexes. Recall is against exact search.

    Example: itemsearch benchmark index store --out run
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.index import IndexBenchConfig, run

    with progress() as shown:
        metrics = run(IndexBenchConfig(vectors, queries, max_queries, k, seed), out, shown)
    print_metrics(metrics, out, as_json)


@with_catalog_options
def embed(
    catalog: Catalog,
    out: Out,
    reading: CatalogOptions,
    rows: Annotated[int, typer.Option(min=1, help="Number of listings, from the first.")] = 1024,
    batch_size: BatchSize = 32,
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements of each figure.")] = 3,
    model: Model = "default",
    device: TorchDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure the speed of embedding by stage. It stands beside the bare model and the limit of the machine.

    Example: itemsearch benchmark embed shop.csv --out run --device cpu
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.embed import EmbedBenchConfig, run

    source = replace(reading.config(catalog), rows=rows)
    config = EmbedBenchConfig(source, model, device, batch_size, rounds)
    with progress() as shown:
        metrics = run(config, out, shown)
    print_metrics(metrics, out, as_json)
