"""`itemsearch benchmark report`: the report of a finished run, made again from its saved predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.reports import all_report, category_report, pairs_report, retrieval_report
from itemsearch.benchmarks.reports.page import read_description
from itemsearch.errors import UsageError

REPORTS = {
    "retrieval": retrieval_report.report,
    "category": category_report.report,
    "pairs": pairs_report.report,
    "all": all_report.report,
}


def run(folder: Path) -> Mapping[str, Any]:
    """Writes metrics.json, report.md, report.html and plots/ of a run; returns the metrics.

    Raises:
        CatalogError: the folder is no finished run, or its predictions are damaged.
        UsageError: the benchmark of the run saves no predictions.
    """
    benchmark = read_description(folder)["benchmark"]
    if benchmark not in REPORTS:
        raise UsageError(f"{folder}: a run of {benchmark!r}; predictions are saved by {', '.join(REPORTS)}")
    return REPORTS[benchmark](folder)
