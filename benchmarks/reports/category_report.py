"""The report of a run of leaf categories, from its predictions alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.predictions import PREDICTIONS, Asked, Predictions
from itemsearch.benchmarks.metrics.bootstrap import Interval, Resampled, number, resample_means
from itemsearch.benchmarks.metrics.macro_f1 import resample_macro_f1
from itemsearch.benchmarks.metrics.ranked import figures_by_query
from itemsearch.benchmarks.metrics.scoring import OURS, Figures
from itemsearch.benchmarks.reports.page import Report, Section, read_description, write_report
from itemsearch.benchmarks.reports.retrieval_report import figures_table, save_worst

CATEGORIES = "leaf categories"
LINEAR, NEAREST = "linear", "10-NN"
TERMS = {
    "accuracy": "the share of products whose category is the first answer.",
    "top-5": "the share of products whose category is among the first five answers.",
    "macro-F1": "the F1 of each category, 2 x right / (products of it + answers of it), averaged over the "
    "test products' categories, however rare each is.",
    LINEAR: "a logistic regression on the embeddings, standardised; its penalty was chosen on a fifth of "
    "what it learnt from.",
    NEAREST: "the ten nearest products it learnt from vote, nearer ones with more weight.",
}


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md, report.html and plots/ from predictions.parquet; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark category`.
    """
    described = read_description(out)
    predictions = Predictions.open(out / PREDICTIONS)
    asked = predictions.asked(CATEGORIES)
    resampled: dict[str, dict[str, Resampled]] = {}
    for name in predictions.methods(CATEGORIES):
        method, probe = name.rsplit(": ", 1)
        figures = _resample(predictions, asked, name, described["options"]["seed"])
        resampled.setdefault(method, {}).update({f"{probe} {of}": figure for of, figure in figures.items()})
    methods = {method: _intervals(figures) for method, figures in resampled.items()}
    ours = resampled[OURS]
    differences = {
        method: _intervals(
            {name: ours[name] - figure for name, figure in figures.items() if "F1" not in name}
        )
        for method, figures in resampled.items()
        if method != OURS
    }
    sections = [_figures_section(methods, differences), *_confusion_section(out, predictions, asked)]
    metrics = {
        "methods": _plain(methods),
        "differences": _plain(differences),
    }
    text = f"{described['summary']} In brackets: 95% intervals by bootstrap over products."
    write_report(out, described, metrics, Report("Finding the leaf category", text, sections))
    return metrics


def _resample(predictions: Predictions, asked: Asked, method: str, seed: int) -> dict[str, Resampled]:
    by_query = figures_by_query(predictions.answers(CATEGORIES, method))
    shares = {"accuracy": by_query["recall@1"], "top-5": by_query["recall@5"]}
    means = resample_means(shares, number(asked.listings), seed)
    found = predictions.found_categories(CATEGORIES, method)
    return {**means, "macro-F1": resample_macro_f1(asked.categories, found, seed)}


def _figures_section(methods: Figures, differences: Figures) -> Section:
    probes = [
        figures_table(
            f"{probe} probe", methods, [f"{probe} {of}" for of in ("accuracy", "top-5", "macro-F1")]
        )
        for probe in (LINEAR, NEAREST)
    ]
    text = "What a simple classifier makes of each method's embeddings, which are not changed for it."
    if differences:
        names = [f"{probe} {of}" for probe in (LINEAR, NEAREST) for of in ("accuracy", "top-5")]
        probes.append(figures_table(f"{OURS} minus", differences, names, signed=True))
        text += " The last table holds paired differences: an interval that leaves out 0 is one to rely on."
    return Section("Categories found", text, TERMS, probes)


def _confusion_section(out: Path, predictions: Predictions, asked: Asked) -> list[Section]:
    found = predictions.found_categories(CATEGORIES, f"{OURS}: {LINEAR}")
    pairs = [(of, to) for of, to in zip(asked.categories, found, strict=True) if of != to]
    if not pairs:
        return []
    save_worst(out / "plots" / "confusion", pairs)
    text = (
        "What products of the categories of most wrong answers were taken for; right answers are not drawn."
    )
    return [Section("Confusion of the worst categories", text, plots=("confusion",))]


def _intervals(figures: Mapping[str, Resampled]) -> dict[str, Interval]:
    return {name: figure.interval for name, figure in figures.items()}


def _plain(figures: Figures) -> dict[str, dict[str, dict[str, float]]]:
    return {row: {name: asdict(figure) for name, figure in cells.items()} for row, cells in figures.items()}
