"""The command `itemsearch embed`: embeds the listings of a catalog into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._fetch import AllowPrivate, Fetch, with_pictures
from itemsearch.cli._image_problems import describe_image_problems
from itemsearch.cli._options import (
    AsJson,
    BatchSize,
    Catalog,
    Keep,
    MaxBadRate,
    Model,
    Threads,
    TorchDevice,
    kept_pictures,
)
from itemsearch.cli._output import emit_json, facts, note, note_reasons, progress
from itemsearch.errors import UsageError


@with_catalog_options
def embed(
    catalog: Catalog,
    out: Annotated[Path, typer.Option(help="Folder for the store.")],
    reading: CatalogOptions,
    fetch: Fetch = False,
    allow_private: AllowPrivate = False,
    model: Model = "default",
    batch_size: BatchSize = 32,
    device: TorchDevice = "auto",
    threads: Threads = 0,
    max_bad_rate: MaxBadRate = 0.05,
    dtype: Annotated[
        str, typer.Option(help="Number format: float32, or float16 for half the disk space.")
    ] = "float32",
    keep: Keep = "embedded",
    as_json: AsJson = False,
) -> None:
    """Embed the listings of a catalog into a store. Rows that did not change since an earlier run are reused.

    Example: itemsearch embed shop.csv --out store --column title=product_name
    """
    from itemsearch.embed.catalog import EmbedConfig, embed_catalog
    from itemsearch.embed.encoder import open_encoder

    if dtype not in ("float32", "float16"):
        raise UsageError(f"--dtype is {dtype!r}; use float32 or float16")
    source = with_pictures(reading.config(catalog), out, fetch, allow_private)
    config = EmbedConfig(batch_size, max_bad_rate, dtype, keep_pictures=kept_pictures(keep))
    encoder = open_encoder(model, device, threads)
    with progress("listings") as advance:

        def show(rows: int, rejected: int) -> None:
            advance(rows, f"({rejected:,} rejected)" if rejected else "")

        report = embed_catalog(source, out, encoder, config, show)
    for shard in report.damaged:
        note(f"{shard}: damaged; its rows are embedded again")
    if as_json:
        emit_json(report)
        return
    if report.placeholder_images:
        note(f"{report.placeholder_images:,} listings have a placeholder picture, which counts as no image")
    for line in describe_image_problems(report.image_problems):
        note(line)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.reasons.items()))
    facts(
        {
            "rows": f"{report.rows:,}",
            "embedded": f"{report.embedded:,}",
            "reused": f"{report.reused:,} unchanged since an earlier run",
            "rejected": f"{report.rejected:,}" + (f" ({reasons}): {out / 'rejects.csv'}" if reasons else ""),
            "store": f"{out}: {report.embedded + report.reused:,} listings, {report.without_title:,} without "
            f"title, {report.without_image:,} without image",
            "embedding": f"{report.dim} numbers, {dtype}, model {encoder.name}, {encoder.runs_on}",
            "time": f"{report.seconds:.1f} s, {report.rows / report.seconds:.1f} rows a second",
        }
    )
    note_reasons(report.frequent_reasons)
