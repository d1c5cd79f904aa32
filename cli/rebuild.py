"""The command `itemsearch rebuild`: runs the nightly job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._image_problems import describe_image_problems
from itemsearch.cli._options import AsJson
from itemsearch.cli._output import INTERRUPTED, emit_json, facts, log_line, note, note_reasons, progress
from itemsearch.cli.index_versions import pinned_words
from itemsearch.errors import ItemSearchError

if TYPE_CHECKING:
    from itemsearch.nightly.config import RebuildConfig
    from itemsearch.nightly.record import RunLog, RunRecord, Stage
    from itemsearch.search.folder import IndexSummary


def rebuild(
    config: Annotated[Path, typer.Option(help="TOML file; the keys catalog, store and index are required.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the rows to embed and to reuse, and write nothing.")
    ] = False,
    log_json: Annotated[
        bool,
        typer.Option(
            "--log-json",
            help="Print JSON lines alone on standard error: one a stage, one an error.",
        ),
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
    from itemsearch.nightly.record import RunLog

    log = RunLog(_print_line)
    if log_json:
        log.listener = partial(_print_json_line, log)
    try:
        settings = read_rebuild_config(config)
        if dry_run:
            _show_plan(settings, as_json)
        else:
            _run(settings, log, metrics, as_json, not log_json)
    except (ItemSearchError, OSError, KeyboardInterrupt) as error:
        if not log_json:
            raise
        if not any(stage.failed for stage in log.stages):  # which was told as the stage ended
            log_line("error", str(error) or "interrupted", run=log.id, version=log.version)
        interrupted = isinstance(error, KeyboardInterrupt)
        raise typer.Exit(INTERRUPTED if interrupted else getattr(error, "exit_code", 1)) from error


def _show_plan(settings: RebuildConfig, as_json: bool) -> None:
    from itemsearch.nightly.rebuild import plan_rebuild

    planned = plan_rebuild(settings)
    if as_json:
        emit_json(planned)
        return
    served, current = planned.served, "nothing yet"
    if served:
        current = f"version {served.version}, {served.figures.rows:,} rows"
    counts = {"rows": planned.rows, "to embed": planned.embed, "to reuse": planned.reuse}
    facts({name: f"{count:,}" for name, count in {**counts, "rejected": planned.rejected}.items()})
    facts({"served": current})


def _run(settings: RebuildConfig, log: RunLog, metrics: Path | None, as_json: bool, in_words: bool) -> None:
    """Runs the stages, and keeps the record of a run that failed too."""
    from itemsearch.nightly.rebuild import IMAGE_PROBLEM_REASONS
    from itemsearch.nightly.rebuild import rebuild as run
    from itemsearch.nightly.record import append_record, write_metrics

    def keep_record() -> RunRecord:
        record = log.finish()
        append_record(Path(settings.record), record)
        if file := metrics or (settings.metrics and Path(settings.metrics)):
            write_metrics(Path(file), record)
        return record

    try:
        with progress("listings") as advance:
            summary = run(settings, log, lambda rows, rejected: advance(rows, f"({rejected:,} rejected)"))
    except BaseException:
        with suppress(OSError):  # a failure to write the record must not hide the error that ended the run
            keep_record()
        raise
    record = keep_record()
    if in_words:
        for stage in record.stages:
            for line in describe_image_problems(stage.facts.get(IMAGE_PROBLEM_REASONS, {})):
                note(line)
    if as_json:
        emit_json(asdict(record))
    else:
        print(_outcome(summary, record))


def _outcome(summary: IndexSummary, record: RunRecord) -> str:
    version = f"version {summary.version} of {summary.rows:,} listings"
    if any(stage.facts.get("unchanged") for stage in record.stages):
        return f"unchanged: {version} stays current in {summary.folder}"
    if summary.current != summary.version:
        return f"{version} is built in {summary.folder}{pinned_words(summary)}"
    return f"{version} is current in {summary.folder}"


def _print_line(stage: Stage) -> None:
    from itemsearch.catalog.reject_tally import ReasonCount

    facts_text = ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in stage.facts.items()
        if name != "reasons" and not isinstance(value, Mapping)
    )
    note(f"{stage.name:<10} {stage.seconds:8.1f} s  {'failed' if stage.failed else facts_text}")
    note_reasons([ReasonCount(**each) for each in stage.facts.get("reasons", ())])


def _print_json_line(log: RunLog, stage: Stage) -> None:
    log_line(
        "error" if stage.failed else "info",
        stage.failed or f"{stage.name} is done",
        run=log.id,
        version=log.version,
        stage=stage.name,
        seconds=stage.seconds,
        facts=stage.facts,
    )
