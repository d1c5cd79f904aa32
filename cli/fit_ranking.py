"""itemsearch fit-ranking: how a model's ranking weighs words, pictures and the joint view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._options import AsJson, Columns, ImageRoot, TorchDevice, catalog_config
from itemsearch.cli._output import emit_json, note, progress
from itemsearch.errors import UsageError


def fit_ranking(
    model: Annotated[Path, typer.Argument(help="A model folder of itemsearch pretrain.")],
    catalog: Annotated[
        list[str], typer.Option(help="Products that the model was not trained on. May be repeated.")
    ],
    group: Annotated[str, typer.Option(help="Column that is equal for rows known to be one product.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows of each catalog.")] = 4096,
    seed: Annotated[int, typer.Option(help="Of the edits that list a product again.")] = 0,
    column: Columns = [],  # noqa: B006 (typer reads the default, nobody changes it)
    image_root: ImageRoot = None,
    device: TorchDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """Learn the final score of a model, from products listed again or known to be the same.

    Example: itemsearch fit-ranking model --catalog held-out.parquet
    """
    from itemsearch.embed.encoder import ListingEncoder
    from itemsearch.fit_ranking.training_queries import TrainingQueriesConfig, learn_ranking
    from itemsearch.indexes.durable import replace_file
    from itemsearch.ranking.ranking import RANKING_FILE

    if not model.is_dir():
        raise UsageError(f"{model}: no model folder; make one with itemsearch pretrain")
    encoder = ListingEncoder.from_pretrained(str(model), device, with_ranking=False)
    catalogs = [catalog_config(path, column, image_root) for path in catalog]
    with progress("listings") as advance:
        ranking, report = learn_ranking(catalogs, encoder, TrainingQueriesConfig(group, rows, seed), advance)
    replace_file(model / RANKING_FILE, json.dumps(ranking.describe(), indent=1).encode())
    if as_json:
        emit_json(report)
        return
    note(
        f"of {report.questions:,} listings {report.answerable:,} have a second one among the candidates; "
        f"first by joint cosine {report.by_joint:.3f}, by the ranking {report.by_ranking:.3f}"
    )
    print(f"ranking in {model / RANKING_FILE}; embed again for stores to carry it")
