"""The report of `itemsearch benchmark pairs`, made from the groups that each method found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import PREDICTIONS
from itemsearch.benchmarks.metrics.clusters import FIGURES, agreement
from itemsearch.benchmarks.metrics.scoring import OURS
from itemsearch.benchmarks.reports.page import Report, Section, read_description, write_report
from itemsearch.benchmarks.reports.retrieval_report import figures_table
from itemsearch.errors import CatalogError
from itemsearch.indexes.arrays import Ints

TERMS = {
    "pair precision": "of the pairs of listings in one group, the share that are one product.",
    "pair recall": "of the pairs that are one product, the share in one group.",
    "B³ precision": "of a listing's group, the share that is its product; the mean over listings.",
    "B³ recall": "of a listing's product, the share that is in its group; the mean over listings.",
    "F1": "the harmonic mean of precision and recall.",
}
LISTING, PRODUCT = "listing", "product"


def write_groups(out: Path, listings: Ints, found: Mapping[str, Ints]) -> None:
    """predictions.parquet: a row a listing with its product, and the group that each method puts it into."""
    columns = {LISTING: np.arange(len(listings)), PRODUCT: listings, **found}
    pq.write_table(pa.table(columns), out / PREDICTIONS, write_page_checksum=True)


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md and report.html from predictions.parquet; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark pairs`.
    """
    described = read_description(out)
    try:
        table = pq.read_table(out / PREDICTIONS, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise CatalogError(f"{out / PREDICTIONS}: damaged ({error}); run the benchmark again") from error
    listings, seed = table[PRODUCT].to_numpy(), described["options"]["seed"]
    names = [name for name in table.column_names if name not in (LISTING, PRODUCT)]
    resampled = {name: agreement(table[name].to_numpy(), listings, seed) for name in names}
    methods = {name: {of: f.interval for of, f in figures.items()} for name, figures in resampled.items()}
    differences = {
        name: {of: (resampled[OURS][of] - figure).interval for of, figure in figures.items()}
        for name, figures in resampled.items()
        if name != OURS
    }
    tables = [
        figures_table("method", methods, FIGURES),
        figures_table(f"{OURS} minus", differences, FIGURES, signed=True),
    ]
    text = "The second table holds paired differences: an interval that leaves out 0 is one to rely on."
    metrics = {
        part: {name: {of: asdict(cell) for of, cell in row.items()} for name, row in rows.items()}
        for part, rows in (("methods", methods), ("differences", differences))
    }
    summary = f"{described['summary']} In brackets: 95% intervals by bootstrap over products."
    section = Section("Agreement with the truth", text, TERMS, tables)
    write_report(out, described, metrics, Report("Groups of duplicates", summary, [section]))
    return metrics
