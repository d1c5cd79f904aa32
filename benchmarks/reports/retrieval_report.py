"""The report of `itemsearch benchmark retrieval`, made from the saved predictions of a run.

Images of the examples come from the queries file and the store of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.predictions import (
    EVERYTHING,
    OURS,
    OWN_CATEGORY,
    PREDICTIONS,
    Predictions,
    QueryFacts,
)
from itemsearch.benchmarks.metrics.bootstrap import Figures
from itemsearch.benchmarks.metrics.ranked import DEFINITIONS, KS, MEAN_F1, PRECISIONS, Answers, PairCurve
from itemsearch.benchmarks.reports.failures import failure_sections
from itemsearch.benchmarks.reports.page import Report, ReportTable, Section, read_description, write_report
from itemsearch.benchmarks.reports.plots import save_confusion, save_curves
from itemsearch.benchmarks.reports.retrieval_figures import (
    SLICED,
    GalleryFigures,
    RetrievalFigures,
    retrieval_figures,
)
from itemsearch.indexes.arrays import Doubles, Ints

RECALLS = tuple(f"recall@{k}" for k in KS)
RANK_PRECISIONS = tuple(f"precision@{k}" for k in KS)
AVERAGES = ("mAP@R", "MRR", "uAP")
THRESHOLD_RECALLS = tuple(f"recall at precision {minimum:.2f}" for minimum in PRECISIONS)
CURVE_DEPTH = 10
WORST = 12
CATEGORY_ROWS = 30
"""Leaf categories in the table of slices."""

HEADINGS = {
    EVERYTHING: "Search in all listings",
    OWN_CATEGORY: "Search in the query's own category",
}
GALLERIES = {
    EVERYTHING: "Each query is searched in all listings. A query that is a listing is never its own answer.",
    OWN_CATEGORY: "The same queries, searched only in listings of the query's own leaf category: wrong "
    "answers of other categories are excluded. The measures are those above.",
}
INTERVALS = (
    "In brackets: 95% bootstrap intervals over products. Ties count against a method: among answers of "
    "equal score the wrong ones come first."
)
DIFFERENCES = (
    "The last table holds paired differences; an interval that excludes 0 is significant at the 5% level."
)


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md, report.html and plots/ from predictions.parquet; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark retrieval`.
    """
    described = read_description(out)
    predictions = Predictions.open(out / PREDICTIONS)
    options = described["options"]
    figures = retrieval_figures(predictions, options["seed"], bool(options["same"]))
    queries = predictions.query_facts(EVERYTHING)
    sections = [
        *(_gallery_section(name, gallery) for name, gallery in figures.galleries.items()),
        _curves_section(out, predictions),
        *_slice_sections(figures),
        *_confusion_section(out, predictions, queries),
        *failure_sections(out, predictions, queries),
    ]
    page = Report("Finding the same product", f"{described['summary']} {INTERVALS}", sections)
    metrics = asdict(figures)
    write_report(out, described, metrics, page)
    return metrics


def _gallery_section(name: str, gallery: GalleryFigures) -> Section:
    grouped = all(MEAN_F1 in measures for measures in gallery.figures.values())
    averages = (*AVERAGES, MEAN_F1) if grouped else AVERAGES
    columns = (RECALLS, RANK_PRECISIONS, averages)
    tables = [figures_table("method", gallery.figures, names) for names in columns]
    tables.append(_threshold_table(gallery))
    if gallery.differences:
        names = ("recall@1", "recall@10", "mAP@R", "uAP")
        tables.append(figures_table(f"{OURS} minus", gallery.differences, names, signed=True))
    text = f"{GALLERIES[name]} {gallery.queries:,} queries."
    if gallery.differences:
        text += f" {DIFFERENCES}"
    terms = DEFINITIONS if name == EVERYTHING else None
    return Section(HEADINGS[name], text, terms, tables)


def figures_table(label: str, figures: Figures, names: Sequence[str], signed: bool = False) -> ReportTable:
    """A row for each row of the figures, a column for each of the names.

    Args:
        label: the head of the first column.
        signed: whether to write signs, as for differences.
    """
    rows = [
        [row, *(cells[name].signed() if signed else str(cells[name]) for name in names)]
        for row, cells in figures.items()
    ]
    return ReportTable([label, *names], rows)


def _threshold_table(gallery: GalleryFigures) -> ReportTable:
    """Recall at each precision, with its threshold on the score."""
    head, rows = ["method"], []
    for name in THRESHOLD_RECALLS:
        head += [name, "threshold"]
    for method, measures in gallery.figures.items():
        row = [method]
        for name, minimum in zip(THRESHOLD_RECALLS, PRECISIONS, strict=True):
            threshold = gallery.thresholds[method].get(f"{minimum:.2f}")
            row += [str(measures[name]), "none" if threshold is None else f"{threshold:.6g}"]
        rows.append(row)
    return ReportTable(head, rows)


def _curves_section(out: Path, predictions: Predictions) -> Section:
    recall_curves, precision_curves = {}, {}
    for method in predictions.methods(EVERYTHING):
        answers = predictions.answers(EVERYTHING, method)
        recall_curves[method] = _recall_by_k(answers)
        precision, recall = PairCurve.of(answers).points()
        precision_curves[method] = (recall, precision)
    save_curves(out / "plots" / "recall-by-k", recall_curves, ("k", "recall@k"), marker="o")
    save_curves(out / "plots" / "precision-recall", precision_curves, ("recall", "precision"))
    text = (
        "Above: the share of queries with a right answer among the first k of all listings. Below: for each "
        "threshold on the score, the share of all right pairs that it accepts (recall) and the share of the "
        "accepted pairs that are right (precision)."
    )
    return Section("Curves", text, plots=("recall-by-k", "precision-recall"))


def _recall_by_k(answers: Answers) -> tuple[Ints, Doubles]:
    """(K,) k from 1, and (K,) recall@k."""
    hits = answers.right[:, :CURVE_DEPTH].cumsum(axis=1) > 0
    return np.arange(1, hits.shape[1] + 1), hits.mean(axis=0)


def _slice_sections(figures: RetrievalFigures) -> Iterable[Section]:
    texts = {
        "edit": "Queries by their edits; a query with several edits counts for each.",
        "modality": "Queries by their modalities.",
        "category": f"Queries of the {CATEGORY_ROWS} largest leaf categories; metrics.json holds all.",
    }
    for kind, slices in figures.slices.items():
        sizes = figures.sizes[kind]
        names = list(slices)
        if kind == "category":
            names = sorted(names, key=lambda name: -sizes[name])[:CATEGORY_ROWS]
        methods = list(slices[names[0]])
        rows = [
            [name, f"{sizes[name]:,}", *(str(slices[name][method]) for method in methods)] for name in names
        ]
        text = f"{texts[kind]} {SLICED} in all listings, of ours and of the best other method."
        yield Section(f"By {kind}", text, tables=[ReportTable([kind, "queries", *methods], rows)])


def _confusion_section(out: Path, predictions: Predictions, queries: QueryFacts) -> Iterable[Section]:
    """The categories with the most queries whose first answer is wrong."""
    answer_categories = predictions.found_categories(EVERYTHING, OURS)
    wrong = ~predictions.answers(EVERYTHING, OURS).right[:, 0]
    pairs = [
        (category, answer_category)
        for category, answer_category, missed in zip(
            queries.categories, answer_categories, wrong, strict=True
        )
        if missed and category and answer_category
    ]
    if not pairs:
        return
    text = (
        f"Queries whose first answer is wrong, of the {WORST} categories with the most wrong answers, by the "
        "category of the query and of that answer. On the diagonal both have the same category."
    )
    save_worst(out / "plots" / "confusion", pairs)
    yield Section("Confusion of the worst categories", text, plots=("confusion",))


def save_worst(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Plots a confusion matrix of the `WORST` categories with the most pairs.

    Args:
        pairs: (category of the query, category of its answer).
    """
    names = _most_frequent([category for category, _ in pairs], WORST)
    kept = [(category, answer) for category, answer in pairs if category in names]
    frequent = _most_frequent([answer for _, answer in kept], WORST)
    columns = [*names, *(name for name in frequent if name not in names)]
    counts = np.zeros((len(names), len(columns) + 1), np.int64)
    for category, answer in kept:
        counts[names.index(category), columns.index(answer) if answer in columns else -1] += 1
    save_confusion(path, names, [*columns, "another"], counts)


def _most_frequent(names: Sequence[str], count: int) -> list[str]:
    distinct, counts = np.unique(np.array(names, dtype=object).astype(str), return_counts=True)
    return [str(name) for name in distinct[np.argsort(-counts, kind="stable")[:count]]]
