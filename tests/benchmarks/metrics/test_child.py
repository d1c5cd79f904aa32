from __future__ import annotations

import subprocess
import sys

import pytest

from itemsearch.benchmarks.metrics.child import measure_child

WORK = """
import time
held = bytearray(b"x") * 150_000_000
until = time.process_time() + 0.5
while time.process_time() < until:
    pass
time.sleep(0.2)
"""


def test_a_command_costs_its_own_seconds_and_memory() -> None:
    cost = measure_child([sys.executable, "-c", WORK])
    assert 150e6 <= cost.own_bytes <= cost.peak_bytes < 400e6
    assert 0.5 <= cost.cpu_seconds <= 2.0
    assert cost.seconds >= 0.7


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measure_child([sys.executable, "-c", "raise SystemExit(3)"])
