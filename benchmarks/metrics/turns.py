"""Rates of methods that work by turns, so that other programs on the machine slow all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Rate:
    """a_second: of products or queries. times_ours: the median round's. cpu_ms: of one of them."""

    method: str
    a_second: float
    times_ours: float
    cpu_ms: float


def rates(
    methods: Mapping[str, Any], work: Callable[[Any, int], object], count: int, rounds: int
) -> list[Rate]:
    """Rates of methods by turns, the first of which is ours; a round before them warms up.

    Args:
        work: does `count` things by a method, in the round of a number.
    """
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    used: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + 1):
        for name, method in methods.items():
            started, cpu = time.perf_counter(), time.process_time()
            work(method, number)
            if number:
                seconds[name].append(time.perf_counter() - started)
                used[name].append(time.process_time() - cpu)
    first = seconds[next(iter(methods))]
    return [
        Rate(
            name,
            count / median(seconds[name]),
            median(one / other for one, other in zip(first, seconds[name], strict=True)),
            1000 * median(used[name]) / count,
        )
        for name in methods
    ]


def rate_cells(rate: Mapping[str, Any]) -> list[str]:
    return [f"{rate['a_second']:,.1f}", f"{rate['times_ours']:.2f}", f"{rate['cpu_ms']:.2f}"]
