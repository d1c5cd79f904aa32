"""Makes the report of a finished run again, from its saved predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.reports import all_report as suite_report
from itemsearch.benchmarks.reports import category_report, retrieval_report
from itemsearch.benchmarks.reports import pairs_report as groups_report
from itemsearch.benchmarks.reports.page import read_description
from itemsearch.errors import UsageError

REPORTS = {
    "retrieval": retrieval_report.report,
    "category": category_report.report,
    "pairs": groups_report.report,
    "all": suite_report.report,
}


def run(folder: Path) -> Mapping[str, Any]:
    """Writes metrics.json, report.md, report.html and plots/ of a run; returns the metrics.

    Raises:
        CatalogError: the folder is no finished run, or its predictions are damaged.
        UsageError: the run was of a benchmark that keeps no predictions.
    """
    benchmark = read_description(folder)["benchmark"]
    if benchmark not in REPORTS:
        raise UsageError(f"{folder}: a run of {benchmark!r}; predictions are kept by {', '.join(REPORTS)}")
    return REPORTS[benchmark](folder)
