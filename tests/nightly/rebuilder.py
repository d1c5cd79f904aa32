"""Runs `itemsearch rebuild` in forks of a process that has imported everything, and kills or limits them.

Reads jobs from standard input and writes the results to standard output, a JSON line each. Shards are of 8
rows, so that a catalog of a few dozen has several. A step is the begin or end of a stage, or a call that
creates, renames, removes or syncs a file or a folder.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

os.environ["TRANSFORMERS_VERBOSITY"] = "error"  # the command's own, which comes too late for a fork

import torch

from itemsearch.cli.app import main
from itemsearch.nightly import rebuild
from itemsearch.nightly.record import RunLog, Stage
from itemsearch.store import writer

SHARD_ROWS = 8


class Steps:
    """Writes each step to a pipe, and kills this process at the step `fatal`; 0 for never."""

    def __init__(self, fatal: int, pipe: int) -> None:
        self.fatal = fatal
        self.pipe = pipe
        self.count = 0

    def take(self, name: str) -> None:
        self.count += 1
        os.write(self.pipe, f"{name}\n".encode())
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def take_and_call(*arguments: Any, **named: Any) -> Any:
            self.take(name)
            return call(*arguments, **named)

        return take_and_call

    def watch(self) -> None:
        for name in ("fsync", "rename", "mkdir", "unlink", "rmdir"):
            setattr(os, name, self.counted(name, getattr(os, name)))
        stage = RunLog.stage

        @contextmanager
        def watched(log: RunLog, name: str) -> Iterator[Stage]:
            self.take(f"{name} begins")
            with stage(log, name) as running:
                yield running
            self.take(f"{name} ends")

        RunLog.stage = watched  # type: ignore[method-assign]


def run(job: dict[str, Any], pipe: int, output: int) -> None:
    """Never returns. Writes steps to one pipe, and what the command prints to the other."""
    Steps(job["step"], pipe).watch()
    os.dup2(output, 1)
    os.dup2(output, 2)
    if limit := job["limit"]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["itemsearch", "rebuild", "--config", job["config"]]
    code = 70
    try:
        main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    torch.set_num_threads(1)
    writer.SHARD_ROWS = SHARD_ROWS
    catalog = rebuild._catalog
    rebuild._catalog = lambda config: replace(catalog(config), batch_rows=SHARD_ROWS)
    for line in sys.stdin:
        job = json.loads(line)
        (steps, pipe), (printed, output) = os.pipe(), os.pipe()
        started = time.perf_counter()
        child = os.fork()
        if not child:
            run(job, pipe, output)
        os.close(pipe)
        os.close(output)
        if job["seconds"] is not None:
            time.sleep(job["seconds"])
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answer = {"code": code, "steps": read(steps).splitlines(), "output": read(printed)}
        print(json.dumps({**answer, "seconds": time.perf_counter() - started}), flush=True)


def read(pipe: int) -> str:
    with os.fdopen(pipe, errors="replace") as file:
        return file.read()


if __name__ == "__main__":
    serve()
