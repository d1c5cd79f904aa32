"""The command `itemsearch match`: tells which rows of a feed are listings of an index, and which are new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._image_problems import describe_image_problems
from itemsearch.cli._options import AsJson, MaxBadRate, TorchDevice
from itemsearch.cli._output import emit_json, facts, note, note_reasons, progress
from itemsearch.cli._variants import Compared, Identifiers, MinPrecision
from itemsearch.errors import TooManyBadRowsError, UsageError

if TYPE_CHECKING:
    from itemsearch.matching.feed import MatchReport
    from itemsearch.types import Reject

SHOWN_REJECTS = 20


@with_catalog_options
def match(
    index: Annotated[Path, typer.Argument(help="Index folder.")],
    feed: Annotated[str, typer.Argument(help="Feed of incoming listings, in any format of a catalog.")],
    out: Annotated[Path, typer.Option(help="File of the answers: .parquet, .csv, .jsonl or .xlsx.")],
    reading: CatalogOptions,
    identifier: Identifiers = [],  # noqa: B006
    compare: Compared = [],  # noqa: B006
    min_precision: MinPrecision = 0.95,
    k: Annotated[int, typer.Option("-k", help="Candidates told for each row.")] = 5,
    duplicates: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `itemsearch duplicates` to decide as: its columns, and what it learnt. Default: "
            "what the feed teaches, or the index where the feed has fewer than 20 rows."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model that embeds the feed. Default: the model of the index.")
    ] = "",
    device: TorchDevice = "auto",
    max_bad_rate: MaxBadRate = 0.05,
    as_json: AsJson = False,
) -> None:
    """Tell for each row of a feed whether it is a listing of the index, perhaps is one, or is new.

    Example: itemsearch match index feed.csv --out matches.parquet --identifier gtin
    """
    from itemsearch.matching.feed import match_feed
    from itemsearch.matching.matcher import MatchConfig
    from itemsearch.search.engine import Engine

    if k < 1:
        raise UsageError(f"-k is {k}: give 1 or more")
    source = reading.config(feed)
    config = MatchConfig(tuple(identifier), tuple(compare), min_precision, k, duplicates)
    engine = Engine.open(index, model, device)
    rejects = 0

    def show(reject: Reject) -> None:
        nonlocal rejects
        rejects += 1
        if rejects <= SHOWN_REJECTS:
            note(f"row rejected: row {reject.row}, id {reject.id!r}: {reject.reason.value}: {reject.message}")

    with progress("rows") as advance:
        report = match_feed(engine, source, out, config, show, advance)
    if rejects > SHOWN_REJECTS:
        note(f"... and {rejects - SHOWN_REJECTS:,} more rows rejected")
    for line in describe_image_problems(report.image_problems):
        note(line)
    if as_json:
        emit_json(report)
    else:
        _print(report, out)
    if report.rejected > max_bad_rate * report.rows:
        raise TooManyBadRowsError(
            f"{report.rejected} of {report.rows} rows rejected, more than --max-bad-rate {max_bad_rate:g}"
        )


def _print(report: MatchReport, out: Path) -> None:
    answers, thresholds = report.answers, report.thresholds
    automatic = f"{thresholds.automatic:.3f}" if thresholds.automatic <= 1 else "never"
    facts(
        {
            "rows": f"{report.rows:,} = {report.answered:,} answered + {report.rejected:,} rejected",
            "answers": ", ".join(f"{count:,} {answer}" for answer, count in answers.items()),
            "in the feed": f"{report.same_in_feed:,} rows are the same product as another row",
            **({"evidence": f"also the columns {', '.join(report.columns)}"} if report.columns else {}),
            "learnt from": report.learnt_from,
            "thresholds": f"match {automatic}, review {thresholds.review:.3f}",
            "written": str(out),
        }
    )
    note_reasons(report.frequent_reasons)
