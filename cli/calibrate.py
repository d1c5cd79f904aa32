"""itemsearch calibrate: refines the probabilities of an index by labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, Other
from itemsearch.cli._output import emit_json, facts, note
from itemsearch.cli._progress import progress
from itemsearch.cli._variants import IgnoreVariant, VariantColumn
from itemsearch.cli.index_versions import Index, Keep
from itemsearch.indexes.storage.publish import KEEP_VERSIONS

if TYPE_CHECKING:
    from itemsearch.duplicates.calibrate.index import CalibrateReport
    from itemsearch.search.folder import IndexSummary

SHOWN_REFUSALS = 5


def calibrate(
    index: Index,
    labels: Annotated[
        str, typer.Option(help="CSV, JSON or Parquet with id_a, id_b and same, or with id and group.")
    ] = "",
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Learn from the decisions of people in itemsearch review too.")
    ] = False,
    min_precision: Annotated[
        float,
        typer.Option(help="Least share of right pairs among the duplicates; else nothing is published."),
    ] = 0.95,
    other: Other = "",
    ignore_variant: IgnoreVariant = [],  # noqa: B006
    variant_column: VariantColumn = [],  # noqa: B006
    keep: Keep = KEEP_VERSIONS,
    as_json: AsJson = False,
) -> None:
    """Refine the probabilities of an index by labels: ten pairs move them, many replace them.

    Example: itemsearch calibrate index --labels labels.csv --min-precision 0.95
    """
    from itemsearch.duplicates.calibrate.index import CalibrateConfig, calibrate_index
    from itemsearch.duplicates.pairs.variants import VariantRules

    variant_rules = VariantRules.without(ignore_variant, variant_column)
    config = CalibrateConfig(labels, decisions, min_precision, other, variant_rules, keep)
    with progress() as shown:
        report = calibrate_index(index, config, shown)
    if as_json:
        emit_json(report)
        return
    _print(report)


def calibration_line(summary: IndexSummary) -> str:
    """The calibration of an index, in words."""
    from itemsearch.review.report import share_text

    learnt = summary.calibration
    if learnt is None:
        return f"none, the catalog alone; itemsearch calibrate {summary.folder} refines probabilities"
    return (
        f"{learnt.labels:,} labelled pairs; for a precision of {learnt.min_precision:g} an estimated "
        f"{share_text(learnt.automatic.recall)} of the pairs are automatic; {learnt.made}"
    )


def _print(report: CalibrateReport) -> None:
    from itemsearch.review.report import share_text

    learnt, labels = report.calibration, report.labels
    lines = {}
    if labels is not None:
        for refused in labels.refused[:SHOWN_REFUSALS]:
            note(f"row {refused.row} refused: {refused.message}")
        if len(labels.refused) > SHOWN_REFUSALS:
            note(f"and {len(labels.refused) - SHOWN_REFUSALS:,} more rows")
        lines["labels"] = f"{labels.rows:,} = {labels.used:,} used + {len(labels.refused):,} refused"
    lines |= {
        "pairs": f"{learnt.labels:,} labelled pairs are compared, {learnt.same_pairs:,} of one product; "
        f"{learnt.unproposed:,} more of one product are too unlike to be compared",
        "threshold": f"probability {learnt.automatic.threshold:.3f}, which is to keep a precision of "
        f"{learnt.min_precision:g}",
        "precision": f"an estimated {share_text(learnt.automatic.precision)}",
        "recall": f"an estimated {share_text(learnt.automatic.recall)} of all pairs that are compared",
        "version": f"{report.version}",
    }
    facts(lines)
