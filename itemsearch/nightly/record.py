"""What a run says of itself: a line a stage, a record at its end, and metrics for a monitor."""

from __future__ import annotations

import json
import os
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
    """A stage that is running, or done; `facts` are told by the one who runs it."""

    name: str
    started: str
    seconds: float = 0.0
    failed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """failed: the message of the error that ended the run; "" where it published, or had nothing to."""

    started: str
    seconds: float
    failed: str
    stages: tuple[Stage, ...]


class RunLog:
    """Collects the stages of a run; `listener` hears each as it ends."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.stages: list[Stage] = []
        self.started = _now()
        self._clock = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Times what runs inside; an exception is noted and goes on its way."""
        stage, clock = Stage(name, _now()), time.perf_counter()
        self.stages.append(stage)
        try:
            yield stage
        except BaseException as error:
            stage.failed = str(error) or type(error).__name__
            raise
        finally:
            stage.seconds = round(time.perf_counter() - clock, 3)
            self.listener(stage)

    def finish(self) -> RunRecord:
        failed = next((stage.failed for stage in self.stages if stage.failed), "")
        return RunRecord(
            self.started, round(time.perf_counter() - self._clock, 3), failed, tuple(self.stages)
        )


def append_record(path: Path, record: RunRecord) -> None:
    """Adds a JSON line, after one that a run was killed in the middle of too.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    with naming(path), path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read() == b"\n" else b"\n")
        file.write(json.dumps(asdict(record), default=str).encode() + b"\n")


def write_metrics(path: Path, record: RunRecord) -> None:
    """A textfile for Prometheus' node exporter, replaced in one step so that it is never read half written.

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
                lines += _gauge(f"{stage.name}_{name}", f"As the stage {stage.name} told it.", {"": value})
    replace_file(path, ("\n".join(lines) + "\n").encode())


def _gauge(name: str, told: str, values: Mapping[str, float]) -> list[str]:
    full = f"itemsearch_rebuild_{name}"
    return [
        f"# HELP {full} {told}",
        f"# TYPE {full} gauge",
        *(f"{full}{labels} {value:.10g}" for labels, value in values.items()),
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
