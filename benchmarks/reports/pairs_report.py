"""The report of `itemsearch benchmark pairs`, made from the saved groups of each method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import OURS, PREDICTIONS
from itemsearch.benchmarks.metrics.clusters import FIGURES, agreement
from itemsearch.benchmarks.reports.page import Report, Section, read_description, write_report
from itemsearch.benchmarks.reports.retrieval_report import DIFFERENCES, figures_table
from itemsearch.errors import CatalogError
from itemsearch.indexes.arrays import Ints

TERMS = {
    "pair precision": "the share of pairs of listings in one group that are of one product.",
    "pair recall": "the share of pairs of listings of one product that are in one group.",
    "B³ precision": "the share of a listing's group that is of its product; the mean over listings.",
    "B³ recall": "the share of the listings of its product that are in a listing's group; the mean over "
    "listings.",
    "F1": "the harmonic mean of precision and recall.",
}
LISTING, PRODUCT = "listing", "product"


def write_groups(out: Path, products: Ints, groups: Mapping[str, Ints]) -> None:
    """Writes predictions.parquet: for each listing its product, and its group by each method.

    Args:
        products: (N,) product numbers.
        groups: method to (N,) group numbers.
    """
    columns = {LISTING: np.arange(len(products)), PRODUCT: products, **groups}
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
    products, seed = table[PRODUCT].to_numpy(), described["options"]["seed"]
    names = [name for name in table.column_names if name not in (LISTING, PRODUCT)]
    resampled = {name: agreement(table[name].to_numpy(), products, seed) for name in names}
    methods = {
        name: {measure: figure.interval for measure, figure in figures.items()}
        for name, figures in resampled.items()
    }
    differences = {
        name: {measure: (resampled[OURS][measure] - figure).interval for measure, figure in figures.items()}
        for name, figures in resampled.items()
        if name != OURS
    }
    tables = [
        figures_table("method", methods, FIGURES),
        figures_table(f"{OURS} minus", differences, FIGURES, signed=True),
    ]
    metrics = {
        key: {row: {name: asdict(cell) for name, cell in cells.items()} for row, cells in figures.items()}
        for key, figures in (("methods", methods), ("differences", differences))
    }
    summary = f"{described['summary']} In brackets: 95% bootstrap intervals over products."
    section = Section("Agreement with the true products", DIFFERENCES, TERMS, tables)
    write_report(out, described, metrics, Report("Groups of duplicates", summary, [section]))
    return metrics
