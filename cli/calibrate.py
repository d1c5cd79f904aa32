"""itemsearch calibrate: learns from labels the probabilities and thresholds of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, Other
from itemsearch.cli._output import emit_json, facts, note, steps, table
from itemsearch.cli._variants import IgnoreVariant, VariantColumn
from itemsearch.cli.index_versions import Index, Keep
from itemsearch.indexes.storage.publish import KEEP_VERSIONS

if TYPE_CHECKING:
    from itemsearch.duplicates.calibrate.index import CalibrateReport
    from itemsearch.probability.calibration import Share
    from itemsearch.search.folder import IndexSummary

SHOWN_REFUSALS = 5
CURVE_LINES = 10


def calibrate(
    index: Index,
    labels: Annotated[
        str, typer.Option(help="CSV, JSONL or Parquet with id_a, id_b and same, or with id and group.")
    ] = "",
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Learn from the decisions of people in itemsearch review too.")
    ] = False,
    min_precision: Annotated[
        float, typer.Option(help="Least share of right pairs in the automatic tier.")
    ] = 0.95,
    other: Other = "",
    ignore_variant: IgnoreVariant = [],  # noqa: B006
    variant_column: VariantColumn = [],  # noqa: B006
    keep: Keep = KEEP_VERSIONS,
    as_json: AsJson = False,
) -> None:
    """Learn probabilities and thresholds from labels, and test them on held-out products.

    Example: itemsearch calibrate index --labels labels.csv --min-precision 0.95
    """
    from itemsearch.duplicates.calibrate.index import CalibrateConfig, calibrate_index
    from itemsearch.duplicates.pairs.variants import VariantRules

    variant_rules = VariantRules.without(ignore_variant, variant_column)
    config = CalibrateConfig(labels, decisions, min_precision, other, variant_rules, keep)
    with steps() as progress:
        report = calibrate_index(index, config, progress)
    if as_json:
        emit_json(report)
        return
    _print(report)


def calibration_line(summary: IndexSummary) -> str:
    """The calibration of an index, in words."""
    learnt = summary.calibration
    if learnt is None:
        return f"not calibrated: itemsearch calibrate {summary.folder} --labels FILE"
    return (
        f"precision {_share(learnt.precision)}, recall {_share(learnt.recall)} of pairs without a person, "
        f"from {learnt.labels:,} labels, {learnt.made}"
    )


def _print(report: CalibrateReport) -> None:
    learnt, labels = report.calibration, report.labels
    if labels is not None:
        for refused in labels.refused[:SHOWN_REFUSALS]:
            note(f"row {refused.row} refused: {refused.message}")
        if len(labels.refused) > SHOWN_REFUSALS:
            note(f"and {len(labels.refused) - SHOWN_REFUSALS:,} more rows")
    table(
        ["probability", "precision", "recall"],
        [
            [f"{point.threshold:.2f}", f"{point.precision:.3f}", f"{point.recall:.3f}"]
            for point in learnt.curve[:: max(len(learnt.curve) // CURVE_LINES, 1)]
        ],
    )
    lines = {}
    if labels is not None:
        lines["labels"] = f"{labels.rows:,} = {labels.used:,} used + {len(labels.refused):,} refused"
    low, high = learnt.threshold.low, learnt.threshold.high
    lines |= {
        "pairs": f"{learnt.same_pairs:,} of one product, {learnt.unproposed:,} of them too unlike to be "
        f"compared; {learnt.different_pairs:,} others that are alike",
        "threshold": f"probability {learnt.threshold.value:.3f} (resampled {low:.3f} to {high:.3f}), for "
        f"precision {learnt.min_precision:g}",
        "precision": f"{_share(learnt.precision)} on held-out products",
        "recall": _share(learnt.recall),
        **{
            tier.tier: f"{tier.pairs:,} pairs, {tier.precision:.1%} of them right, {tier.recall:.1%} of all"
            for tier in learnt.tiers
        },
        "version": f"{report.version}",
    }
    facts(lines)


def _share(share: Share) -> str:
    return f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})"
