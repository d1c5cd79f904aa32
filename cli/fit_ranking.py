"""The command `itemsearch fit-ranking`: fits the ranking of a model, which computes the match score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._options import AsJson, TorchDevice
from itemsearch.cli._output import emit_json, note
from itemsearch.cli._progress import progress
from itemsearch.errors import UsageError


@with_catalog_options
def fit_ranking(
    model: Annotated[Path, typer.Argument(help="Model folder that itemsearch pretrain wrote.")],
    catalog: Annotated[
        list[str], typer.Option(help="Catalog of products that the model was not trained on; repeatable.")
    ],
    reading: CatalogOptions,
    group: Annotated[str, typer.Option(help="Column that is equal for listings of one product.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="Maximum number of rows read from each catalog.")] = 4096,
    seed: Annotated[int, typer.Option(help="Random seed of the edits that relist a product.")] = 0,
    device: TorchDevice = "auto",
    as_json: AsJson = False,
) -> None:
    """Fit the ranking that computes the match score, on relisted listings or known products.

    Example: itemsearch fit-ranking model --catalog held-out.parquet
    """
    from itemsearch.embed.torch_encoder import TorchEncoder
    from itemsearch.fit_ranking.training_queries import TrainingQueriesConfig, fit_ranking_to_catalogs
    from itemsearch.indexes.durable import replace_file
    from itemsearch.ranking.ranking import RANKING_FILE

    if not model.is_dir():
        raise UsageError(f"{model}: no such model folder; itemsearch pretrain makes one")
    encoder = TorchEncoder.from_pretrained(str(model), device, with_ranking=False)
    catalogs = [reading.config(path) for path in catalog]
    with progress() as shown:
        ranking, report = fit_ranking_to_catalogs(
            catalogs, encoder, TrainingQueriesConfig(group, rows, seed), shown
        )
    replace_file(model / RANKING_FILE, json.dumps(ranking.describe(), indent=1).encode())
    if as_json:
        emit_json(report)
        return
    note(
        f"of {report.queries:,} listings {report.answerable:,} have a second one among the candidates; "
        f"it comes first by joint cosine in {report.by_joint:.3f}, by the ranking in {report.by_ranking:.3f}"
    )
    for recall in report.catalogs:
        if recall.loses:
            note(
                f"{recall.catalog}: the ranking finds {recall.by_ranking:.3f}, {recall.best_feature} alone "
                f"{recall.by_best_feature:.3f} and the joint cosine {recall.by_joint:.3f}: a ranking fitted "
                "to this catalog alone would serve its like better"
            )
    print(f"ranking in {model / RANKING_FILE}; stores have it once they are embedded again")
