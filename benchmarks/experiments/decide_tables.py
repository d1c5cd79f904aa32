"""The tables of duplicates in docs/results.md: every catalog without labels, and with some.

    python -m itemsearch.benchmarks.experiments.decide_tables DATA --out RUN [--labels 100] [--only NAME]

DATA holds linkage/, general/ and fashion/. RUN gets figures.md, the tables, and a folder for each catalog, as
`itemsearch benchmark pairs` writes it; the run with labels is in its folder labels/.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.judged_pairs import AUTOMATIC, OFFERED, names_of_ours
from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.experiments.decide_catalogs import make_catalogs
from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.runs.pairs import PairsConfig, measure, prepare
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import ItemSearchError
from itemsearch.indexes.progress import Lines

LABELS = 100
HEAD = (
    "catalog",
    "true pairs",
    "expected",
    "F1 at .5",
    "automatic: precision",
    "estimated",
    "automatic: recall",
    "with review: precision",
    "with review: recall",
    "B³ F1",
    "calibration error",
    "best baseline: F1",
)
LABELS_HEAD = (
    "catalog",
    "labels",
    "F1 at .5",
    "automatic: precision",
    "automatic: recall",
    "calibration error",
)

Metrics = Mapping[str, Any]


def run(data: Path, out: Path, labels: int, only: Sequence[str], model: str, baselines: bool) -> str:
    """Measures every catalog; returns the text of RUN/figures.md.

    Args:
        only: names of catalogs; empty for all.

    Raises:
        CatalogError: a part of the data cannot be read.
        ModelError: no such model.
    """
    without: dict[str, Metrics] = {}
    with_labels: dict[str, Metrics] = {}
    for name, make in make_catalogs(data, out / "catalogs").items():
        if only and name not in only:
            continue
        _note(f"{name}:")
        made, folder = make(), out / re.sub("[^a-z0-9]+", "-", name)
        config = PairsConfig(
            made.catalog, truth=str(made.truth), other=made.other, model=model, baselines=baselines
        )
        with Lines(_note) as told:
            indexed = prepare(config, folder, told)
            without[name] = measure(config, indexed, folder, told)
        more = PairsConfig(
            made.catalog,
            truth=str(made.truth),
            other=made.other,
            labels=labels,
            model=model,
            baselines=False,
        )
        with Lines(_note) as told:
            with_labels[name] = measure(more, indexed, folder / "labels", told)
    text = "\n".join([*_table(without), "", *_labels_table(with_labels, labels), ""])
    (out / "figures.md").write_text(text, "utf-8")
    return text


def _table(runs: Mapping[str, Metrics]) -> list[str]:
    """A row for each catalog, without labels."""
    rows = []
    for name, metrics in runs.items():
        methods, tiers = metrics["methods"], metrics["tiers"]
        baselines = {
            method: cells["pair F1"]["value"] for method, cells in methods.items() if not _is_ours(method)
        }
        best = max(baselines, key=lambda method: baselines[method])
        rows.append(
            [
                name,
                f"{metrics['pairs']['true']:,}",
                f"{metrics['expected'][OURS]:,.0f}",
                _cell(methods[OURS]["pair F1"]),
                _cell(methods[OURS + AUTOMATIC]["pair precision"]),
                _cell(tiers[OURS + AUTOMATIC]["precision, estimated"]),
                _cell(methods[OURS + AUTOMATIC]["pair recall"]),
                _cell(methods[OURS + OFFERED]["pair precision"]),
                _cell(methods[OURS + OFFERED]["pair recall"]),
                _cell(methods[OURS + OFFERED]["B³ F1"]),
                _cell(metrics["reliability"][OURS]["error"]),
                f"{_cell(methods[best]['pair F1'])}, {best}",
            ]
        )
    return markdown_table(ReportTable(HEAD, rows))


def _labels_table(runs: Mapping[str, Metrics], labels: int) -> list[str]:
    """Two rows for each catalog: without and with labels, measured on the pairs that were not labelled."""
    rows = []
    for name, metrics in runs.items():
        methods = metrics["methods"]
        for count, ours in zip((0, labels), names_of_ours((0, labels)), strict=True):
            rows.append(
                [
                    name,
                    f"{count:,}",
                    _cell(methods[ours]["pair F1"]),
                    _cell(methods[ours + AUTOMATIC]["pair precision"]),
                    _cell(methods[ours + AUTOMATIC]["pair recall"]),
                    _cell(metrics["reliability"][ours]["error"]),
                ]
            )
    return markdown_table(ReportTable(LABELS_HEAD, rows))


def _is_ours(method: str) -> bool:
    return method in (OURS, OURS + AUTOMATIC, OURS + OFFERED)


def _cell(interval: Mapping[str, float]) -> str:
    return str(Interval(**interval))


def _note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.decide_tables")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labels", type=int, default=LABELS)
    parser.add_argument("--only", action="append", default=[], help="name of a catalog; repeatable")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--no-baselines", action="store_true")
    arguments = parser.parse_args()
    try:
        print(
            run(
                arguments.data,
                arguments.out,
                arguments.labels,
                arguments.only,
                arguments.model,
                not arguments.no_baselines,
            )
        )
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
