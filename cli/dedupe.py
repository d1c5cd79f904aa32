"""The command `itemsearch dedupe`: from a catalog to the report of its duplicates."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Other,
    Threads,
    TorchDevice,
    kept_pictures,
)
from itemsearch.cli._output import emit_json, facts, note, note_reasons, progress, steps
from itemsearch.cli._variants import Compared, Identifiers, MinPrecision
from itemsearch.cli.duplicates import print_run

if TYPE_CHECKING:
    from itemsearch.dedupe import Built


@with_catalog_options
def dedupe(
    catalog: Catalog,
    out: Annotated[Path, typer.Option(help="Folder for the store, the index and the duplicates.")],
    reading: CatalogOptions,
    fetch: Fetch = False,
    allow_private: AllowPrivate = False,
    identifier: Identifiers = [],  # noqa: B006
    compare: Compared = [],  # noqa: B006
    min_precision: MinPrecision = 0.95,
    other: Other = "",
    model: Model = "default",
    device: TorchDevice = "auto",
    threads: Threads = 0,
    batch_size: BatchSize = 32,
    max_bad_rate: MaxBadRate = 0.05,
    keep: Keep = "embedded",
    as_json: AsJson = False,
) -> None:
    """Find the duplicates of a catalog: embed it, index it, decide, and write a report.

    A second run into the same folder embeds only what changed.

    Example: itemsearch dedupe shop.csv --out dedupe --column title=product_name
    """
    from itemsearch.dedupe import DUPLICATES, INDEX, STORE, embed_and_index, update_duplicates
    from itemsearch.duplicates.pairs.join import JoinConfig
    from itemsearch.duplicates.run import RunConfig
    from itemsearch.embed.catalog import EmbedConfig
    from itemsearch.embed.encoder import open_encoder
    from itemsearch.search.engine import Engine
    from itemsearch.search.filter import Filter

    source = with_pictures(reading.config(catalog), out / STORE, fetch, allow_private)
    join = JoinConfig(Filter(other=other), identifiers=tuple(identifier), compared=tuple(compare))
    config = EmbedConfig(batch_size, max_bad_rate, keep_pictures=kept_pictures(keep))
    encoder = open_encoder(model, device, threads)
    with progress("listings") as advance:
        built = embed_and_index(
            source,
            out,
            encoder,
            config,
            device,
            lambda rows, rejected: advance(rows, f"({rejected:,} rejected)" if rejected else ""),
        )
    for shard in built.embedded.damaged:
        note(f"{shard}: damaged; its rows were embedded again")
    if built.embedded.placeholder_images:
        count = built.embedded.placeholder_images
        note(f"{count:,} listings have a placeholder picture, which counts as no image")
    for line in describe_image_problems(built.embedded.image_problems):
        note(line)
    with steps() as advance_steps:
        engine = Engine.open(out / INDEX)
        report = update_duplicates(engine, out / DUPLICATES, RunConfig(join, min_precision), advance_steps)
    if as_json:
        emit_json({**asdict(built), "duplicates": asdict(report)})
        return
    _print_built(built)
    print_run(report, out / DUPLICATES)
    note_reasons(built.embedded.frequent_reasons)


def _print_built(built: Built) -> None:
    report = built.embedded
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.reasons.items()))
    rows = f"{report.embedded:,} embedded + {report.reused:,} reused + {report.rejected:,} rejected"
    facts(
        {
            "rows": f"{report.rows:,} = {rows}" + (f" ({reasons})" if reasons else ""),
            "index": f"version {built.version}, {'new' if built.renewed else 'unchanged'}",
        }
    )
