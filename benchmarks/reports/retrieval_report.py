"""The report of a retrieval run, from its predictions alone; pictures come from its queries and its store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.predictions import EVERYTHING, OWN_CATEGORY, PREDICTIONS, Asked, Predictions
from itemsearch.benchmarks.metrics.ranked import DEFINITIONS, KS, MEAN_F1, PRECISIONS, Answers, PairCurve
from itemsearch.benchmarks.metrics.scoring import OURS, SLICED, Figures, GalleryScores, Scores, score
from itemsearch.benchmarks.reports.failures import failure_sections
from itemsearch.benchmarks.reports.page import Report, Section, Table, read_description, write_report
from itemsearch.benchmarks.reports.plots import save_confusion, save_curves

FOUND = tuple(f"recall@{k}" for k in KS)
PRECISE = tuple(f"precision@{k}" for k in KS)
RANKED = ("mAP@R", "MRR", "uAP")
DECIDED = tuple(f"recall at precision {least:.2f}" for least in PRECISIONS)
CURVED = 10
WORST = 12
SHOWN_SLICES = 30

HEADINGS = {
    EVERYTHING: "Found among all products",
    OWN_CATEGORY: "Found among products of its own category",
}
GALLERIES = {
    EVERYTHING: "Each query is looked for among all products. A query that is itself a product never counts.",
    OWN_CATEGORY: "The same queries, but only products of the query's own leaf category can be found: wrong "
    "answers that the category alone tells apart are gone. The measures are those above.",
}
INTERVALS = (
    "In brackets: 95% intervals by bootstrap over products. Ties count against a method: among answers of "
    "equal score the wrong ones come first."
)


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md, report.html and plots/ from predictions.parquet; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark retrieval`.
    """
    described = read_description(out)
    predictions = Predictions.open(out / PREDICTIONS)
    scores = score(predictions, described["options"]["seed"], bool(described["options"]["same"]))
    asked = predictions.asked(EVERYTHING)
    sections = [
        *(_gallery_section(name, gallery) for name, gallery in scores.galleries.items()),
        _plot_section(out, predictions),
        *_slice_sections(scores),
        *_confusion_section(out, predictions, asked),
        *failure_sections(out, predictions, asked),
    ]
    page = Report("Finding the same product", f"{described['summary']} {INTERVALS}", sections)
    metrics = asdict(scores)
    write_report(out, described, metrics, page)
    return metrics


def _gallery_section(name: str, scores: GalleryScores) -> Section:
    grouped = all(MEAN_F1 in figures for figures in scores.figures.values())
    ranked = (*RANKED, MEAN_F1) if grouped else RANKED
    tables = [figures_table("method", scores.figures, names) for names in (FOUND, PRECISE, ranked)]
    tables.append(_decided_table(scores))
    if scores.differences:
        names = ("recall@1", "recall@10", "mAP@R", "uAP")
        tables.append(figures_table(f"{OURS} minus", scores.differences, names, signed=True))
    text = f"{GALLERIES[name]} {scores.queries:,} queries."
    if scores.differences:
        text += " The last table holds paired differences: an interval that leaves out 0 is one to rely on."
    terms = DEFINITIONS if name == EVERYTHING else None
    return Section(HEADINGS[name], text, terms, tables)


def figures_table(label: str, figures: Figures, names: Sequence[str], signed: bool = False) -> Table:
    """A row for each row of the figures, a column for each of the names."""
    rows = [
        [row, *(cells[name].signed() if signed else str(cells[name]) for name in names)]
        for row, cells in figures.items()
    ]
    return Table([label, *names], rows)


def _decided_table(scores: GalleryScores) -> Table:
    head, rows = ["method"], []
    for name in DECIDED:
        head += [name, "threshold"]
    for method, figures in scores.figures.items():
        row = [method]
        for name, least in zip(DECIDED, PRECISIONS, strict=True):
            threshold = scores.thresholds[method].get(f"{least:.2f}")
            row += [str(figures[name]), "none" if threshold is None else f"{threshold:.6g}"]
        rows.append(row)
    return Table(head, rows)


def _plot_section(out: Path, predictions: Predictions) -> Section:
    found, paired = {}, {}
    for method in predictions.methods(EVERYTHING):
        answers = predictions.answers(EVERYTHING, method)
        found[method] = _recall_by_k(answers)
        precision, recall = PairCurve.of(answers).points()
        paired[method] = (recall, precision)
    save_curves(out / "plots" / "recall-by-k", found, ("k", "recall@k"), marker="o")
    save_curves(out / "plots" / "precision-recall", paired, ("recall", "precision"))
    text = (
        "Above: the share of queries whose right answer is among the first k of all products. Below: the "
        "share of all right pairs that a threshold on the score accepts, and how many of these are right."
    )
    return Section("Curves", text, plots=("recall-by-k", "precision-recall"))


def _recall_by_k(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    hits = answers.right[:, :CURVED].cumsum(axis=1) > 0
    return np.arange(1, hits.shape[1] + 1), hits.mean(axis=0)


def _slice_sections(scores: Scores) -> Iterable[Section]:
    texts = {
        "edit": "Queries by what was done to them; a query of several edits counts for each.",
        "modality": "Queries by what they have.",
        "category": f"Queries by leaf category, the {SHOWN_SLICES} largest; metrics.json holds all.",
    }
    for kind, figures in scores.slices.items():
        sizes = scores.sizes[kind]
        names = list(figures)
        if kind == "category":
            names = sorted(names, key=lambda name: -sizes[name])[:SHOWN_SLICES]
        methods = list(figures[names[0]])
        rows = [
            [name, f"{sizes[name]:,}", *(str(figures[name][method]) for method in methods)] for name in names
        ]
        text = f"{texts[kind]} {SLICED} among all products, of ours and of the best of the others."
        yield Section(f"By {kind}", text, tables=[Table([kind, "queries", *methods], rows)])


def _confusion_section(out: Path, predictions: Predictions, asked: Asked) -> Iterable[Section]:
    """The categories of most queries whose first answer is wrong."""
    found = predictions.found_categories(EVERYTHING, OURS)
    wrong = ~predictions.answers(EVERYTHING, OURS).right[:, 0]
    pairs = [
        (of, to) for of, to, miss in zip(asked.categories, found, wrong, strict=True) if miss and of and to
    ]
    if not pairs:
        return
    text = (
        f"Of queries whose first answer is wrong: the category of the query and of that answer, the {WORST} "
        "categories of most wrong answers. What is on the diagonal was mistaken for a sibling."
    )
    save_worst(out / "plots" / "confusion", pairs)
    yield Section("Confusion of the worst categories", text, plots=("confusion",))


def save_worst(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """A confusion matrix of the `WORST` categories of most (category, taken for) pairs."""
    names = _most([of for of, _ in pairs], WORST)
    kept = [(of, to) for of, to in pairs if of in names]
    columns = [*names, *(to for to in _most([to for _, to in kept], WORST) if to not in names)]
    counts = np.zeros((len(names), len(columns) + 1), np.int64)
    for of, to in kept:
        counts[names.index(of), columns.index(to) if to in columns else -1] += 1
    save_confusion(path, names, [*columns, "another"], counts)


def _most(names: Sequence[str], count: int) -> list[str]:
    different, times = np.unique(np.array(names, dtype=object).astype(str), return_counts=True)
    return [str(name) for name in different[np.argsort(-times, kind="stable")[:count]]]
