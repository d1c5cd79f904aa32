"""itemsearch rebuild: the nightly job."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts, note, progress

if TYPE_CHECKING:
    from itemsearch.nightly.record import RunRecord, Stage


def rebuild(
    config: Annotated[Path, typer.Option(help="TOML file: catalog, store and index are enough.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be embedded; write nothing.")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="One JSON line a stage on standard error.")
    ] = False,
    metrics: Annotated[
        Path | None, typer.Option(help="Prometheus textfile to write, instead of the configuration's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring an index up to date with its catalog: embed what changed, build, check, publish, prune.

    What fails its checks is not published, and the version that is served stays.

    Example: itemsearch rebuild --config rebuild.toml
    """
    from itemsearch.nightly.config import read_rebuild_config
    from itemsearch.nightly.rebuild import plan_rebuild
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
                    "rejected": f"{planned.rejected:,}, and pictures that cannot be read",
                    "served": f"version {served.version}, {served.rows:,} rows" if served else "nothing yet",
                }
            )
        return
    log = RunLog(_tell_json if log_json else _tell)

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
        with suppress(OSError):  # what ended the run is what has to be told, not that its record failed too
            keep_record()
        raise
    record = keep_record()
    if as_json:
        emit_json(asdict(record))
    else:
        print(f"version {summary.version} of {summary.rows:,} products is current in {summary.folder}")


def _tell(stage: Stage) -> None:
    told = ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in stage.facts.items()
    )
    note(f"{stage.name:<6} {stage.seconds:8.1f} s  {stage.failed or told}")


def _tell_json(stage: Stage) -> None:
    print(json.dumps(asdict(stage), default=str), file=sys.stderr)
