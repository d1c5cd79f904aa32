"""itemsearch export-actions: writes what to do in the shop about the products that were decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, Link, OtherIndex
from itemsearch.cli._output import emit_json, facts, note

if TYPE_CHECKING:
    from itemsearch.actions.export import ExportConfig, ExportReport


def export_actions(
    folder: Annotated[Path, typer.Argument(help="A folder of `duplicates`.")],
    out: Annotated[Path, typer.Option(help="File of the actions: .csv, .jsonl, .xlsx or .parquet.")],
    automatic: Annotated[
        bool, typer.Option("--automatic", help="The automatic groups as well, not only what people decided.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what an earlier export had; default: only what is new.")
    ] = False,
    link: Link = "",
    merged: Annotated[
        Path | None,
        typer.Option(help="File of merged listings: for each column a value and the listing it comes from."),
    ] = None,
    newest: Annotated[
        str,
        typer.Option(help="Merged: take the values of the listing with the highest value in this column."),
    ] = "",
    rule: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN=RULE",
            help="Merged: keeper, complete, longest, lowest or highest, such as price=lowest. Repeatable.",
        ),
    ] = [],  # noqa: B006
    index: OtherIndex = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write what to do: which listings to keep, to take down and to redirect, and the merged listings.

    Example: itemsearch export-actions duplicates --out actions.xlsx --link "https://shop.example/{id}"
    """
    from itemsearch.actions.export import ExportConfig
    from itemsearch.actions.export import export_actions as run
    from itemsearch.review.session import ReviewSession

    config = ExportConfig(out, automatic, everything, link, merged, newest, tuple(rule))
    report = run(ReviewSession.open(folder, index), config, dry_run)
    if as_json:
        emit_json(report)
        return
    _print(report, config, dry_run)


def _print(report: ExportReport, config: ExportConfig, dry_run: bool) -> None:
    actions = ", ".join(f"{count:,} {name}" for name, count in report.actions.items())
    lines = {"products": f"{report.products:,}", "listings": f"{report.rows:,}: {actions}"}
    if report.taken_back:
        lines["taken back"] = (
            f"{report.taken_back:,} listings that an earlier export took down are to be kept"
        )
    if report.before:
        lines["before"] = f"{report.before:,} listings were exported before and are left out"
    if report.pending:
        lines["pending"] = f"{report.pending:,} listings were joined with others since: run duplicates again"
    files = [str(path) for path in (config.out, config.merged) if path]
    lines["written"] = "nothing: a dry run" if dry_run else ", ".join(files)
    facts(lines)
    if not dry_run and any(name.lower().endswith(".csv") for name in files):
        note("a spreadsheet that opens .csv may turn ids into numbers: import them as text, or write .xlsx")
