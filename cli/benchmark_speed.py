"""itemsearch benchmark index and embed: how true an index is, how fast products are embedded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._benchmark import Out, Seed, benchmark_extra, tell
from itemsearch.cli._options import (
    AsJson,
    BatchSize,
    Catalog,
    Columns,
    ImageRoot,
    Model,
    TorchDevice,
    catalog_config,
)
from itemsearch.cli._output import note


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
    with benchmark_extra():
        from itemsearch.benchmarks.runs.index import IndexBenchConfig, run

    tell(run(IndexBenchConfig(vectors, queries, asked, k, seed), out, note), out, as_json)


def embed(
    catalog: Catalog,
    out: Out,
    rows: Annotated[int, typer.Option(min=1, help="How many of the products, from the first.")] = 1024,
    batch_size: BatchSize = 32,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 3,
    column: Columns = [],  # noqa: B006
    image_root: ImageRoot = None,
    model: Model = "default",
    device: TorchDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """How fast products become embeddings, by stage, beside the bare model and what the machine can do.

    Example: itemsearch benchmark embed shop.csv --out run --device cpu
    """
    with benchmark_extra():
        from itemsearch.benchmarks.runs.embed import EmbedBenchConfig, run

    source = replace(catalog_config(catalog, column, image_root), rows=rows)
    config = EmbedBenchConfig(source, model, device, batch_size, rounds)
    tell(run(config, out, note), out, as_json)
