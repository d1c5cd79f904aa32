"""What a command costs: its seconds, the processors' seconds and its memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ChildCost:
    """cpu_seconds: of all threads. peak_bytes: the most that was resident, mapped files included, of which
    the system drops pages when it needs the room; own_bytes: the most without them."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    own_bytes: int


def measure_child(command: Sequence[str]) -> ChildCost:
    """Runs a command, whose memory is read every `POLL_SECONDS`.

    Raises:
        subprocess.CalledProcessError: it failed and has printed its error.
    """
    started, peak, own, used = time.perf_counter(), 0, 0, 0.0
    process = psutil.Popen(list(command))
    while process.poll() is None:
        try:
            memory, times = process.memory_info(), process.cpu_times()
        except psutil.NoSuchProcess:
            break
        peak, own = max(peak, memory.rss), max(own, memory.rss - memory.shared)
        used = max(used, times.user + times.system)
        time.sleep(POLL_SECONDS)
    code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, list(command))
    return ChildCost(time.perf_counter() - started, used, peak, own)
