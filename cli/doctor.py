"""The command `itemsearch doctor`: reports what a machine has and whether a catalog fits on its disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._options import AsJson, Model
from itemsearch.cli._output import emit_json, facts
from itemsearch.errors import ItemSearchError

GIB = 2**30


@with_catalog_options
def doctor(
    reading: CatalogOptions,
    catalog: Annotated[str, typer.Argument(help="Catalog whose disk space is estimated.")] = "",
    folder: Annotated[Path, typer.Option(help="Folder in which store and index will be.")] = Path(),
    keep: Annotated[int, typer.Option(min=1, help="Index versions that are kept.")] = 3,
    model: Model = "default",
    as_json: AsJson = False,
) -> None:
    """Report what this machine has and what a catalog needs.

    The exit code is 1 if the disk has too little space.

    Example: itemsearch doctor shop.parquet --folder /srv/itemsearch
    """
    from itemsearch.embed.encoder import open_encoder
    from itemsearch.nightly.doctor import estimate_disk, examine_machine

    machine = examine_machine(folder)
    encoder = open_encoder(model)
    need = estimate_disk(reading.config(catalog), encoder, keep) if catalog else None
    if as_json:
        emit_json({"machine": asdict(machine), "model": asdict(encoder.stamp), "need": need and asdict(need)})
    else:
        facts(
            {
                **machine.libraries,
                "device": machine.device,
                "faiss": machine.faiss,
                "cores": f"{machine.cores}",
                "memory": f"{_gib(machine.memory_bytes)}, {_gib(machine.memory_free_bytes)} free",
                "disk": f"{_gib(machine.disk_free_bytes)} free at {folder.resolve()}",
                "model": f"{encoder.name}, {encoder.dim} numbers, loads",
            }
        )
    if need is None:
        return
    needed = need.store_bytes + need.index_bytes
    if not as_json:
        facts(
            {
                "rows": f"{need.rows:,}",
                "needed": f"about {_gib(needed)}: {_gib(need.store_bytes)} for a store and its successor, "
                f"{_gib(need.index_bytes)} for {keep + 1} index versions",
            }
        )
    if needed > machine.disk_free_bytes:
        raise ItemSearchError(
            f"{folder.resolve()}: {_gib(machine.disk_free_bytes)} free, about {_gib(needed)} needed: "
            "make room, or keep fewer versions"
        )


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
