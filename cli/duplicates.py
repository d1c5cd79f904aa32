"""itemsearch duplicates: groups the listings that are one product, and proposes which to keep."""

from __future__ import annotations

from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, Other, Where
from itemsearch.cli._output import emit_json, facts, note
from itemsearch.cli._progress import progress
from itemsearch.cli._variants import Compared, Identifiers, IgnoreVariant, MinPrecision, VariantColumn

if TYPE_CHECKING:
    from itemsearch.duplicates.run_folder import RunReport


def duplicates(
    index: Annotated[Path, typer.Argument(help="An index folder.")],
    out: Annotated[Path, typer.Option(help="Folder for the report, the tables and the spreadsheet.")],
    min_precision: MinPrecision = 0.95,
    min_probability: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Least probability of a duplicate, instead of --min-precision."),
    ] = None,
    where: Where = "",
    other: Other = "",
    new: Annotated[
        str,
        typer.Option(
            help="Only listings that are new or changed since a version of the index, or since an earlier "
            "--out folder, whose other pairs are kept."
        ),
    ] = "",
    since: Annotated[
        Path | None, typer.Option(help="An earlier folder to compare groups with. Default: what --out holds.")
    ] = None,
    ignore_variant: IgnoreVariant = [],  # noqa: B006
    variant_column: VariantColumn = [],  # noqa: B006
    identifier: Identifiers = [],  # noqa: B006
    compare: Compared = [],  # noqa: B006
    keep_by: Annotated[
        list[str],
        typer.Option(
            help="Which listing to keep: complete, picture, or a column (-COLUMN: its highest). Repeatable."
        ),
    ] = [],  # noqa: B006
    neighbours: Annotated[int, typer.Option(min=1, help="Nearest listings compared with each.")] = 20,
    max_group: Annotated[int, typer.Option(min=2, help="A group of more listings is flagged.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Group the listings that are one product, propose which to keep, and give the reasons.

    Example: itemsearch duplicates index --out duplicates --min-precision 0.95
    """
    from itemsearch.duplicates.groups.form import GroupSettings
    from itemsearch.duplicates.groups.keeper import KEEP_BY
    from itemsearch.duplicates.pairs.candidates import CandidateConfig
    from itemsearch.duplicates.pairs.join import JoinConfig
    from itemsearch.duplicates.pairs.variants import VariantRules
    from itemsearch.duplicates.run import RunConfig, calibrated_curve, find_duplicates
    from itemsearch.review.report import write_report
    from itemsearch.search.engine import Engine
    from itemsearch.search.filter import Filter

    engine = Engine.open(index)
    variant_rules = VariantRules.without(ignore_variant, variant_column)
    config = RunConfig(
        join=JoinConfig(
            Filter(where, other),
            CandidateConfig(neighbours),
            variant_rules,
            tuple(identifier),
            tuple(compare),
        ),
        min_precision=min_precision,
        min_probability=min_probability,
        curve=calibrated_curve(engine, bool(other)),
        groups=GroupSettings(max_size=max_group, keep_by=tuple(keep_by) or KEEP_BY),
        new=new,
        since=since,
    )
    with progress() as shown:
        report = find_duplicates(engine, out, config, shown)
        shown("writing the report")
        write_report(out, engine.listings, report)
    if as_json:
        emit_json(report)
        return
    print_run(report, out)


def print_run(report: RunReport, out: Path) -> None:
    from itemsearch.review.report import checked_text, share_text

    changed = ", ".join(f"{count:,} {name}" for name, count in report.changes.items() if count)
    groups, pairs = report.groups, report.pairs
    joined = "" if report.joined == report.rows else f", {report.joined:,} of them new or changed"
    basis = f"{report.labels:,} labels and the catalog" if report.labels else "the catalog alone, no labels"
    automatic, offered = report.estimates.automatic, report.estimates.with_review
    checked = report.estimates.checked
    decided = pairs["confirmed"] + pairs["rejected"]
    left_out = f"; {decided:,} pairs that people decided are left out" if decided else ""
    estimated = {
        "automatic": f"an estimated {share_text(automatic.precision)} right, "
        f"{share_text(automatic.recall)} of all that are compared",
        "and review": f"{share_text(offered.precision)} right, {share_text(offered.recall)} of all",
    }
    if decided and not pairs["duplicate"] + pairs["review"]:
        estimated = {"undecided": "no pair that is a duplicate or to review"}
    facts(
        {
            "listings": f"{report.rows:,}{joined}, {report.compared:,} pairs compared",
            **({"evidence": f"also the columns {', '.join(report.columns)}"} if report.columns else {}),
            "groups": f"{groups['automatic']:,} automatic, {groups['review']:,} to review, "
            f"{groups['confirmed']:,} confirmed",
            "grouped": f"{report.listings:,} listings",
            "pairs": ", ".join(f"{count:,} {name}" for name, count in pairs.items()),
            **estimated,
            **({"checked": "; ".join(starmap(checked_text, checked.items()))} if checked else {}),
            "estimated": f"from {basis}; {report.expected:,.0f} pairs of one product are expected{left_out}",
            "changes": changed or "none",
            "written": f"{out / 'report.html'} to look at, groups.csv and the tables beside it",
        }
    )
    if report.weakest:
        note("the duplicates of the lowest probabilities:")
    else:
        note("no pair is automatic: none is sure enough, or there are no duplicates")
    for pair in report.weakest:
        note(f"  {pair.id_a} and {pair.id_b}: {pair.reason}")
