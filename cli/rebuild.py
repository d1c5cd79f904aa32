"""The command `itemsearch rebuild`: runs the nightly job."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._image_problems import describe_image_problems
from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts, note, note_reasons, show_messages
from itemsearch.cli._progress import progress
from itemsearch.indexes.progress import silent

if TYPE_CHECKING:
    from itemsearch.nightly.record import RunRecord, Stage


def rebuild(
    config: Annotated[Path, typer.Option(help="TOML file; the keys catalog, store and index are required.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the rows to embed and to reuse, and write nothing.")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Print a JSON line for each stage on standard error.")
    ] = False,
    metrics: Annotated[
        Path | None, typer.Option(help="Prometheus textfile, instead of the one in the configuration.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Update an index from its catalog: the nightly job. Embeds what changed, builds, checks and publishes.

    A version that fails a check is not published, and the current one stays. Ends with the duplicates, where
    the configuration names a folder for them.

    Example: itemsearch rebuild --config rebuild.toml
    """
    from itemsearch.nightly.config import read_rebuild_config
    from itemsearch.nightly.rebuild import IMAGE_PROBLEM_REASONS, plan_rebuild
    from itemsearch.nightly.rebuild import rebuild as run
    from itemsearch.nightly.record import RunLog, append_record, write_metrics

    settings = read_rebuild_config(config)
    if dry_run:
        planned = plan_rebuild(settings)
        if as_json:
            emit_json(planned)
        else:
            served = planned.served
            facts(
                {
                    "rows": f"{planned.rows:,}",
                    "to embed": f"{planned.embed:,}",
                    "to reuse": f"{planned.reuse:,}",
                    "rejected": f"{planned.rejected:,}",
                    "served": f"version {served.version}, {served.rows:,} rows" if served else "nothing yet",
                }
            )
        return
    log = RunLog(_print_json_line if log_json else _print_line)

    def keep_record() -> RunRecord:
        record = log.finish()
        append_record(Path(settings.record), record)
        if file := metrics or (settings.metrics and Path(settings.metrics)):
            write_metrics(Path(file), record)
        return record

    try:
        show_messages(not log_json)  # beside JSON lines there is no place for others
        with nullcontext(silent) if log_json else progress() as shown:
            summary = run(settings, log, shown)
    except BaseException:
        with suppress(OSError):  # a failure to write the record must not hide the error that ended the run
            keep_record()
        raise
    record = keep_record()
    for stage in record.stages:
        for line in describe_image_problems(stage.facts.get(IMAGE_PROBLEM_REASONS, {})):
            note(line)
    if as_json:
        emit_json(asdict(record))
    else:
        print(f"version {summary.version} of {summary.rows:,} listings is current in {summary.folder}")


def _print_line(stage: Stage) -> None:
    from itemsearch.catalog.reject_tally import ReasonCount

    facts_text = ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in stage.facts.items()
        if name != "reasons" and not isinstance(value, Mapping)
    )
    note(f"{stage.name:<10} {stage.seconds:8.1f} s  {stage.failed or facts_text}")
    note_reasons([ReasonCount(**each) for each in stage.facts.get("reasons", ())])


def _print_json_line(stage: Stage) -> None:
    print(json.dumps(asdict(stage), default=str), file=sys.stderr)
