"""The report of `itemsearch benchmark category`, made from the saved predictions of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.predictions import OURS, PREDICTIONS, Predictions, QueryFacts
from itemsearch.benchmarks.metrics.bootstrap import Figures, Interval, Resampled, number, resample_means
from itemsearch.benchmarks.metrics.macro_f1 import resample_macro_f1
from itemsearch.benchmarks.metrics.ranked import figures_by_query
from itemsearch.benchmarks.reports.page import Report, Section, read_description, write_report
from itemsearch.benchmarks.reports.retrieval_report import DIFFERENCES, figures_table, save_worst

CATEGORIES = "leaf categories"
LINEAR, NEAREST = "linear", "10-NN"
TERMS = {
    "accuracy": "the share of listings whose category is predicted first.",
    "top-5": "the share of listings whose category is among the first five predictions.",
    "macro-F1": "the F1 of each category, 2 x right / (listings of it + predictions of it), averaged over "
    "the categories of the test listings with equal weights.",
    LINEAR: "a logistic regression on the standardised embeddings; its penalty is chosen on a fifth of the "
    "training listings.",
    NEAREST: "a vote of the ten nearest training listings, weighted by 1 / distance.",
}


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md, report.html and plots/ from predictions.parquet; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark category`.
    """
    described = read_description(out)
    predictions = Predictions.open(out / PREDICTIONS)
    queries = predictions.query_facts(CATEGORIES)
    resampled: dict[str, dict[str, Resampled]] = {}
    for name in predictions.methods(CATEGORIES):
        method, probe = name.rsplit(": ", 1)
        figures = _resample(predictions, queries, name, described["options"]["seed"])
        resampled.setdefault(method, {}).update(
            {f"{probe} {measure}": figure for measure, figure in figures.items()}
        )
    methods = {method: _intervals(figures) for method, figures in resampled.items()}
    ours = resampled[OURS]
    differences = {
        method: _intervals({name: ours[name] - figure for name, figure in figures.items()})
        for method, figures in resampled.items()
        if method != OURS
    }
    sections = [_figures_section(methods, differences), *_confusion_section(out, predictions, queries)]
    metrics = {"methods": _plain(methods), "differences": _plain(differences)}
    text = f"{described['summary']} In brackets: 95% bootstrap intervals over products."
    write_report(out, described, metrics, Report("Predicting the leaf category", text, sections))
    return metrics


def _resample(predictions: Predictions, queries: QueryFacts, method: str, seed: int) -> dict[str, Resampled]:
    by_query = figures_by_query(predictions.answers(CATEGORIES, method))
    shares = {"accuracy": by_query["recall@1"], "top-5": by_query["recall@5"]}
    means = resample_means(shares, number(queries.products), seed)
    predicted = predictions.found_categories(CATEGORIES, method)
    return {**means, "macro-F1": resample_macro_f1(queries.categories, predicted, seed)}


def _figures_section(methods: Figures, differences: Figures) -> Section:
    tables = [
        figures_table(
            f"{probe} probe", methods, [f"{probe} {measure}" for measure in ("accuracy", "top-5", "macro-F1")]
        )
        for probe in (LINEAR, NEAREST)
    ]
    text = "Simple classifiers on the embeddings of each method, which are frozen."
    if differences:
        names = [f"{probe} {measure}" for probe in (LINEAR, NEAREST) for measure in ("accuracy", "macro-F1")]
        tables.append(figures_table(f"{OURS} minus", differences, names, signed=True))
        text += f" {DIFFERENCES}"
    return Section("Accuracy of the categories", text, TERMS, tables)


def _confusion_section(out: Path, predictions: Predictions, queries: QueryFacts) -> list[Section]:
    predicted = predictions.found_categories(CATEGORIES, f"{OURS}: {LINEAR}")
    pairs = [pair for pair in zip(queries.categories, predicted, strict=True) if pair[0] != pair[1]]
    if not pairs:
        return []
    save_worst(out / "plots" / "confusion", pairs)
    text = "Wrong predictions for the categories with the most of them; right predictions are not drawn."
    return [Section("Confusion of the worst categories", text, plots=("confusion",))]


def _intervals(figures: Mapping[str, Resampled]) -> dict[str, Interval]:
    return {name: figure.interval for name, figure in figures.items()}


def _plain(figures: Figures) -> dict[str, dict[str, dict[str, float]]]:
    return {row: {name: asdict(figure) for name, figure in cells.items()} for row, cells in figures.items()}
