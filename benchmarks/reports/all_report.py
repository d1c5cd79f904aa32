"""The report of `itemsearch benchmark all`: the main tables of its benchmarks, from their metrics.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.metrics.bootstrap import Figures, Interval
from itemsearch.benchmarks.metrics.ranked import DEFINITIONS
from itemsearch.benchmarks.reports import category_report, embed_report, index_report, pairs_report
from itemsearch.benchmarks.reports.page import (
    METRICS,
    Report,
    Section,
    read_description,
    read_metrics,
    write_report,
)
from itemsearch.benchmarks.reports.retrieval_report import INTERVALS, figures_table
from itemsearch.errors import CatalogError

RETRIEVAL, CATEGORY, PAIRS, INDEX, EMBED = "retrieval", "category", "pairs", "index", "embed"
MEASURES = ("recall@1", "recall@10", "MRR", "uAP")
RETRIEVAL_TEXT = (
    "Search in all listings, then only in those of the query's own leaf category, without the wrong answers "
    "of other categories. A query that is a listing is never its own answer."
)


def report(out: Path) -> Mapping[str, Any]:
    """Writes metrics.json, report.md and report.html; returns the metrics: benchmark to its metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark all`, or an older version's.
    """
    described = read_description(out)
    metrics = {name: read_metrics(out / name) for name in SECTIONS if (out / name / METRICS).exists()}
    try:
        sections = [
            replace(SECTIONS[name](of_benchmark), full_report=name) for name, of_benchmark in metrics.items()
        ]
    except (KeyError, TypeError) as error:
        raise CatalogError(f"{out}: metrics of another version ({error}): run the benchmark again") from error
    page = Report("All benchmarks", f"{described['summary']} {INTERVALS}", sections)
    write_report(out, described, metrics, page)
    return metrics


def _retrieval_section(metrics: Mapping[str, Any]) -> Section:
    tables = [
        figures_table(name, _figures(gallery["figures"]), MEASURES)
        for name, gallery in metrics["galleries"].items()
    ]
    terms = {name: DEFINITIONS[name] for name in ("recall@k", "MRR", "uAP")}
    return Section("Finding the same product", RETRIEVAL_TEXT, terms, tables)


def _category_section(metrics: Mapping[str, Any]) -> Section:
    return _methods_section("Predicting the leaf category", metrics, category_report.TERMS)


def _pairs_section(metrics: Mapping[str, Any]) -> Section:
    return _methods_section("Groups of duplicates", metrics, pairs_report.TERMS)


def _methods_section(heading: str, metrics: Mapping[str, Any], terms: Mapping[str, str]) -> Section:
    methods = _figures(metrics["methods"])
    names = list(next(iter(methods.values())))
    return Section(heading, "", terms, [figures_table("method", methods, names)])


def _figures(plain: Mapping[str, Any]) -> Figures:
    return {row: {name: Interval(**cell) for name, cell in cells.items()} for row, cells in plain.items()}


SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], Section]] = {
    RETRIEVAL: _retrieval_section,
    CATEGORY: _category_section,
    PAIRS: _pairs_section,
    INDEX: index_report.best_section,
    EMBED: embed_report.speed_section,
}
