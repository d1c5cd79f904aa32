"""Records of a nightly rebuild: stages, a JSON line a run, and metrics for Prometheus."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from itemsearch.indexes.durable import naming, replace_file

Listener = Callable[["Stage"], None]


@dataclass(slots=True)
class Stage:
    """A stage of a run, running or done.

    started: UTC, ISO 8601. failed: the error's message, or "". facts: counts and messages of the stage.
    """

    name: str
    started: str
    seconds: float = 0.0
    failed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run. id: of no other run. failed: the message of the error that ended it, or ""."""

    id: str
    started: str
    seconds: float
    failed: str
    stages: tuple[Stage, ...]


class RunLog:
    """Collects the stages of a run; `listener` receives each as it ends.

    id: of the run. version: of the index, that is current as far as the run knows; None before there is one.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.id = secrets.token_hex(4)
        self.version: int | None = None
        self.stages: list[Stage] = []
        self.started = _now()
        self._clock = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Times a stage; an exception in it is recorded and raised again."""
        stage, clock = Stage(name, _now()), time.perf_counter()
        self.stages.append(stage)
        try:
            yield stage
        except BaseException as error:
            stage.failed = str(error) or type(error).__name__
            if notes := getattr(error, "__notes__", None):
                stage.facts["notes"] = notes
            raise
        finally:
            stage.seconds = round(time.perf_counter() - clock, 3)
            self.listener(stage)

    def finish(self) -> RunRecord:
        """The record of the run up to now."""
        failed = next((stage.failed for stage in self.stages if stage.failed), "")
        seconds = round(time.perf_counter() - self._clock, 3)
        return RunRecord(self.id, self.started, seconds, failed, tuple(self.stages))


def append_record(path: Path, record: RunRecord) -> None:
    """Appends a JSON line; a line that a killed run left incomplete is ended first.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    with naming(path), path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read() == b"\n" else b"\n")
        file.write(json.dumps(asdict(record), default=str).encode() + b"\n")


def write_metrics(path: Path, record: RunRecord) -> None:
    """Writes a textfile for the collector of Prometheus' node exporter, which it replaces atomically.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    stages = {f'{{stage="{stage.name}"}}': stage.seconds for stage in record.stages}
    lines = [
        *_gauge("success", "Whether the last rebuild ended well.", {"": float(not record.failed)}),
        *_gauge("end_time_seconds", "When the last rebuild ended, in Unix time.", {"": time.time()}),
        *_gauge("seconds", "Seconds that the last rebuild took.", {"": record.seconds}),
        *_gauge("stage_seconds", "Seconds by stage.", stages),
    ]
    for stage in record.stages:
        for name, value in stage.facts.items():
            if isinstance(value, int | float):
                lines += _gauge(
                    f"{stage.name}_{name}", f"As recorded by the stage {stage.name}.", {"": value}
                )
    replace_file(path, ("\n".join(lines) + "\n").encode())


def _gauge(name: str, description: str, values: Mapping[str, float]) -> list[str]:
    """Lines of the Prometheus text format; `values` maps labels in braces, or "", to numbers."""
    metric = f"itemsearch_rebuild_{name}"
    return [
        f"# HELP {metric} {description}",
        f"# TYPE {metric} gauge",
        *(f"{metric}{labels} {value:.10g}" for labels, value in values.items()),
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
