"""The report of `itemsearch benchmark pairs`, made from the saved answers of each method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.judged_pairs import AUTOMATIC, OFFERED, JudgedPairs
from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.metrics.bootstrap import Figures, Interval
from itemsearch.benchmarks.metrics.clusters import (
    FIGURES,
    PairProducts,
    Reliability,
    group_agreement,
    pair_agreement,
    reliability,
)
from itemsearch.benchmarks.reports.page import (
    Report,
    ReportTable,
    Section,
    read_description,
    write_report,
)
from itemsearch.benchmarks.reports.plots import save_curves
from itemsearch.benchmarks.reports.retrieval_report import DIFFERENCES, figures_table
from itemsearch.errors import CatalogError

TERMS = {
    "pair precision": "the share of the pairs that a method takes for one product that are.",
    "pair recall": "the share of the true pairs that a method takes for one product.",
    "B³ precision": "the share of a listing's group that is of its product; the mean over listings.",
    "B³ recall": "the share of the listings of its product that are in a listing's group; the mean over "
    "listings.",
    "F1": "the harmonic mean of precision and recall.",
    OURS: "pairs of probability .5 or more, connected; beside it its tiers: pairs by their decisions, and "
    "groups as `itemsearch duplicates` forms them.",
    "mutual best": "each listing is the other's best by the score; with a margin: by .05 or more.",
    "at least .9": "pairs of that score; connected by .9: all that such pairs connect.",
}
ESTIMATED, TRUE = "estimated", "true"
ESTIMATES = "estimates"
"""The key of the estimates in config.json: of each of ours by its name, as `TierEstimates`."""
TIERS = {AUTOMATIC: "automatic", OFFERED: "with_review"}
PLOT = "reliability"
TIERS_TEXT = (
    "What `itemsearch duplicates` said of its tiers, without the truth, and what is true. Recall is of the "
    "true pairs that were compared: the others, {missed:,} of {true:,}, are in no estimate."
)
RELIABILITY_TEXT = (
    "Compared pairs of probability .01 or more, in tenths of the probability: a probability is right where "
    "the share of right pairs equals it. The expected calibration error is the mean distance, over pairs: "
)


def report(out: Path) -> Mapping[str, Any]:
    """Makes metrics.json, report.md, report.html and plots/ from the saved answers; returns the metrics.

    Raises:
        CatalogError: `out` is no finished run of `itemsearch benchmark pairs`, or an older version's.
    """
    described = read_description(out)
    if ESTIMATES not in described:
        raise CatalogError(f"{out}: a run of an older version: run the benchmark again")
    judged, seed = JudgedPairs.read(out), described["options"]["seed"]
    methods, differences = _figures(judged, seed)
    tiers = _tiers(judged, described[ESTIMATES], seed)
    products = _pair_products(judged)
    kept = ~judged.labelled
    calibrated = {
        name: reliability(of[kept], judged.same[kept], products.take(kept), seed)
        for name, of in judged.probabilities.items()
    }
    _plot(out, calibrated)
    compared = ~np.isnan(next(iter(judged.probabilities.values())))
    counts = {"true": int(judged.same.sum()), "missed": int((judged.same & ~compared).sum())}
    metrics = {
        "methods": _plain(methods),
        "differences": _plain(differences),
        "tiers": _plain(tiers),
        "reliability": {name: asdict(of) for name, of in calibrated.items()},
        "expected": {name: of["expected"] for name, of in described[ESTIMATES].items()},
        "pairs": counts,
    }
    summary = f"{described['summary']} In brackets: 95% bootstrap intervals over products."
    sections = [
        Section(
            "Agreement with the true products",
            DIFFERENCES,
            TERMS,
            [
                figures_table("method", methods, FIGURES),
                figures_table(f"{OURS} minus", differences, FIGURES, signed=True),
            ],
        ),
        Section("Estimated and true", TIERS_TEXT.format(**counts), tables=[_tiers_table(tiers)]),
        _reliability_section(calibrated),
    ]
    write_report(out, described, metrics, Report("Duplicates", summary, sections))
    return metrics


def _pair_products(judged: JudgedPairs) -> PairProducts:
    numbers = np.unique(judged.products, return_inverse=True)[1]
    return PairProducts(numbers[judged.a], numbers[judged.b], int(numbers.max()) + 1)


def _figures(judged: JudgedPairs, seed: int) -> tuple[Figures, Figures]:
    """The figures of each method, and ours minus those of the others."""
    kept = ~judged.labelled
    products = _pair_products(judged).take(kept)
    resampled = {
        name: {
            **pair_agreement(chosen[kept], judged.same[kept], products, seed),
            **group_agreement(judged.groups[name], judged.products, seed),
        }
        for name, chosen in judged.chosen.items()
    }
    methods = {
        name: {figure: of.interval for figure, of in figures.items()} for name, figures in resampled.items()
    }
    differences = {
        name: {figure: (resampled[OURS][figure] - of).interval for figure, of in figures.items()}
        for name, figures in resampled.items()
        if name != OURS
    }
    return methods, differences


def _tiers(judged: JudgedPairs, estimates: Mapping[str, Any], seed: int) -> Figures:
    """Tier to its estimated and true precision and recall, of the compared pairs."""
    tiers: Figures = {}
    for name, probability in judged.probabilities.items():
        kept = ~judged.labelled & ~np.isnan(probability)
        products = _pair_products(judged).take(kept)
        for tier, key in TIERS.items():
            true = pair_agreement(judged.chosen[name + tier][kept], judged.same[kept], products, seed)
            tiers[name + tier] = {}
            for figure in ("precision", "recall"):
                tiers[name + tier] |= {
                    f"{figure}, {ESTIMATED}": Interval(**estimates[name][key][figure]),
                    f"{figure}, {TRUE}": true[f"pair {figure}"].interval,
                }
    return tiers


def _tiers_table(tiers: Figures) -> ReportTable:
    return figures_table("tier", tiers, tuple(next(iter(tiers.values()))))


def _plot(out: Path, calibrated: Mapping[str, Reliability]) -> None:
    curves = {"ideal": (np.array([0.0, 1.0]), np.array([0.0, 1.0]))}
    for name, of in calibrated.items():
        points = np.array([(each.probability, each.right) for each in of.bins]).reshape(-1, 2)
        curves[name] = (points[:, 0], points[:, 1])
    save_curves(out / "plots" / PLOT, curves, ("mean probability", "share of right pairs"), marker="o")


def _reliability_section(calibrated: Mapping[str, Reliability]) -> Section:
    errors = "; ".join(f"{name} {of.error}" for name, of in calibrated.items())
    rows = [
        [name, f"{each.pairs:,}", f"{each.probability:.3f}", f"{each.right:.3f}"]
        for name, of in calibrated.items()
        for each in of.bins
    ]
    table = ReportTable(["method", "pairs", "mean probability", "share of right pairs"], rows)
    return Section("Probabilities", f"{RELIABILITY_TEXT}{errors}.", tables=[table], plots=[PLOT])


def _plain(figures: Figures) -> dict[str, Any]:
    return {row: {name: asdict(cell) for name, cell in cells.items()} for row, cells in figures.items()}
