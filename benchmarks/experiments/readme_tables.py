"""The tables of the README and the model card.

    python -m itemsearch.benchmarks.experiments.readme_tables DATA --out RUN [--model MODEL]

DATA holds fashion/train, fashion/test and fashion/test-relisted-elsewhere.parquet (Parquet), general
(catalog.parquet and queries.parquet), other-photo (catalog.csv and queries.csv) and offers/offers.csv. RUN
gets a folder for each evaluation, as `itemsearch benchmark` writes them, and figures.md: recall@1 of all
evaluations in one table, and the leaf categories. No listing that the shipped weights and their ranking were
trained on (`itemsearch/weights/default/README.md`) is in a gallery here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.predictions import EVERYTHING
from itemsearch.benchmarks.experiments.split_offers import split_offers
from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.runs import category, retrieval
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import ItemSearchError
from itemsearch.indexes.progress import Lines

TUNING_CATALOG = "fashion/train/part-003.parquet"
"""The encoder was not trained on it. The ranking was fitted on it, and the weight of the weighted baseline is
chosen on it."""
CATEGORY_ROWS = 6000


def evaluations(data: Path, offers: Path, model: str) -> Mapping[str, retrieval.RetrievalConfig]:
    """Name to the options of each retrieval benchmark."""

    def asked(catalog: str, queries: str, **columns: str) -> retrieval.RetrievalConfig:
        return retrieval.RetrievalConfig(
            CatalogConfig(str(data / catalog)),
            queries=str(data / queries) if queries else "",
            query_columns=columns,
            tune_on=str(data / TUNING_CATALOG),
            models=(model,),
        )

    return {
        "fashion, relisted": asked("fashion/test", ""),
        "fashion, elsewhere": asked("fashion/test", "fashion/test-relisted-elsewhere.parquet"),
        "general": asked("general/catalog.parquet", "general/queries.parquet"),
        "other photo, title": asked("other-photo/catalog.csv", "other-photo/queries.csv", title="title"),
        "other photo, name": asked("other-photo/catalog.csv", "other-photo/queries.csv", title="name"),
        "offers": retrieval.RetrievalConfig(
            CatalogConfig(str(offers / "figures.csv")), same="product", models=(model,)
        ),
    }


def run(data: Path, out: Path, model: str) -> str:
    """Runs all evaluations; returns the text of RUN/figures.md.

    Raises:
        CatalogError: a part of the data cannot be read.
        ModelError: no such model.
    """
    split_offers(data / "offers/offers.csv", out / "split")
    metrics: dict[str, Mapping[str, Any]] = {}
    for name, config in evaluations(data, out / "split", model).items():
        _note(f"{name}:")
        with Lines(_note) as told:
            metrics[name] = retrieval.run(config, out / name.replace(", ", "-").replace(" ", "-"), told)
    _note("category:")
    train, test = CatalogConfig(str(data / "fashion/train")), CatalogConfig(str(data / "fashion/test"))
    category_config = category.CategoryConfig(train, test, models=(model,), rows=CATEGORY_ROWS)
    with Lines(_note) as told:
        categories = category.run(category_config, out / "category", told)
    text = "\n".join([*recall_table(metrics), "", *category_table(categories), ""])
    (out / "figures.md").write_text(text, "utf-8")
    return text


def recall_table(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """recall@1 of every method in every evaluation; empty where a method does not apply to the data."""
    evaluated = [of_run["galleries"][EVERYTHING]["figures"] for of_run in metrics.values()]
    methods = list(dict.fromkeys(method for figures in evaluated for method in figures))
    rows = [
        [method, *(_cell(figures.get(method), "recall@1") for figures in evaluated)] for method in methods
    ]
    return markdown_table(ReportTable(["recall@1", *metrics], rows))


def category_table(metrics: Mapping[str, Any]) -> list[str]:
    """All figures of the leaf categories."""
    methods = metrics["methods"]
    names = list(next(iter(methods.values())))
    rows = [[method, *(_cell(cells, name) for name in names)] for method, cells in methods.items()]
    return markdown_table(ReportTable(["leaf category", *names], rows))


def _cell(figures: Mapping[str, Any] | None, name: str) -> str:
    return "" if figures is None else str(Interval(**figures[name]))


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.readme_tables")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    try:
        print(run(arguments.data, arguments.out, arguments.model))
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
