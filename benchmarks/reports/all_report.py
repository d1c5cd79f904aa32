"""The report of `itemsearch benchmark all`: the main tables of its parts, from their metrics.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.metrics.ranked import DEFINITIONS
from itemsearch.benchmarks.metrics.scoring import Figures
from itemsearch.benchmarks.reports import category_report, embed_report
from itemsearch.benchmarks.reports import pairs_report as groups_report
from itemsearch.benchmarks.reports.page import (
    METRICS,
    Report,
    Section,
    read_description,
    read_metrics,
    write_report,
)
from itemsearch.benchmarks.reports.retrieval_report import INTERVALS, figures_table
from itemsearch.benchmarks.runs import index

RETRIEVAL, CATEGORY, PAIRS, INDEX, EMBED = "retrieval", "category", "pairs", "index", "embed"
FOUND = ("recall@1", "recall@10", "MRR", "uAP")
FOUND_AMONG = (
    "First among all products, then among those of the query's own leaf category alone, where the easy wrong "
    "answers are gone. A query that is itself a product never counts."
)


def report(out: Path) -> Mapping[str, Any]:
    """Writes metrics.json, report.md and report.html; returns the metrics: each part's own, by its name.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark all`.
    """
    described = read_description(out)
    metrics = {name: read_metrics(out / name) for name in SECTIONS if (out / name / METRICS).exists()}
    sections = [replace(SECTIONS[name](held), whole=name) for name, held in metrics.items()]
    page = Report("All benchmarks", f"{described['summary']} {INTERVALS}", sections)
    write_report(out, described, metrics, page)
    return metrics


def _retrieval_section(metrics: Mapping[str, Any]) -> Section:
    tables = [
        figures_table(name, _figures(held["figures"]), FOUND) for name, held in metrics["galleries"].items()
    ]
    terms = {name: DEFINITIONS[name] for name in ("recall@k", "MRR", "uAP")}
    return Section("Finding the same product", FOUND_AMONG, terms, tables)


def _category_section(metrics: Mapping[str, Any]) -> Section:
    return _methods_section("Finding the leaf category", metrics, category_report.TERMS)


def _pairs_section(metrics: Mapping[str, Any]) -> Section:
    return _methods_section("Groups of duplicates", metrics, groups_report.TERMS)


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
    INDEX: index.best_section,
    EMBED: embed_report.speed_section,
}
