"""The command `itemsearch pretrain`: trains an encoder on a catalog without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._output import note
from itemsearch.cli._progress import progress
from itemsearch.errors import UsageError


@with_catalog_options
def pretrain(
    catalog: Annotated[
        list[str],
        typer.Option(
            help="Catalog: a CSV, JSON, Excel, XML or Parquet file, a folder or a glob; repeatable."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the model and the state of the run.")],
    reading: CatalogOptions,
    preset: Annotated[
        str, typer.Option(help="Preset: tiny (seconds), small (a laptop) or base (a GPU).")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="TOML file to use instead of a preset.")] = None,
) -> None:
    """Pre-train an encoder on a catalog. Ctrl-C saves, and the same command resumes.

    Example: itemsearch pretrain --preset small --catalog shop.parquet --out model
    """
    from itemsearch.pretrain.config import read_config, read_preset
    from itemsearch.pretrain.run import pretrain as run

    if bool(preset) == (config is not None):
        raise UsageError("give either --preset or --config")
    settings = read_config(config) if config is not None else read_preset(preset)
    catalogs = [reading.config(path) for path in catalog]
    with progress() as shown:
        report = run(catalogs, settings, out, _print_losses, shown)
    if report.is_main_process:
        rejected = report.rows - report.listings
        note(f"{report.rows:,} rows read = {report.listings:,} listings + {rejected:,} rejected")
        if report.finished:
            print(f"model in {out}; use it with: itemsearch embed CATALOG --out STORE --model {out}")
        else:
            note(f"stopped after step {report.step}; the same command resumes")
    if not report.finished:
        raise typer.Exit(130)


def _print_losses(losses: dict[str, float]) -> None:
    named = "  ".join(f"{name} {value:.4f}" for name, value in losses.items() if name != "step")
    note(f"step {int(losses['step']):>6}  {named}")
