"""Makes the report of a finished run again, from its saved predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import category_report, groups_report, retrieval_report, suite_report
from benchmarks.report import read_description
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
