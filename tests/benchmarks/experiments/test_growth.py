from __future__ import annotations

from pathlib import Path

import pytest

from itemsearch.benchmarks.experiments.growth import (
    GROWTH,
    GrowthConfig,
    growth_table,
    read_costs,
    run,
    slope,
)
from itemsearch.benchmarks.metrics.child import ChildCost


def test_a_slope_is_that_of_the_logarithms() -> None:
    assert slope({10: 3.0, 100: 30.0, 1000: 300.0}) == pytest.approx(1)
    assert slope({10: 3.0, 1000: 30_000.0}) == pytest.approx(2)


def test_slopes_stand_beside_the_largest_size() -> None:
    costs = {
        "build": {
            200: ChildCost(9, 4, 3_000_000, 4_000_000),
            100: ChildCost(5, 2, 3_000_000, 2_000_000),
        },
        "match": {100: ChildCost(1, 1, 1, 1_000_000)},
    }
    assert growth_table(costs).rows == [
        ["build", "100", "5.0", "2.0", "2.0", "", ""],
        ["build", "200", "9.0", "4.0", "4.0", "1.00", "1.00"],
        ["match", "100", "1.0", "1.0", "1.0", "", ""],
    ]


def test_steps_are_measured_and_kept(tmp_path: Path) -> None:
    run(GrowthConfig((300,), (), ("search",)), tmp_path)
    costs = run(GrowthConfig((400,), (), ("build",)), tmp_path)
    assert {step: set(by_rows) for step, by_rows in costs.items()} == {
        "search": {300},
        "search by id": {300},
        "build": {400},
    }
    assert read_costs(tmp_path / GROWTH) == costs
    assert all(cost.cpu_seconds > 0.1 for by_rows in costs.values() for cost in by_rows.values())
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        *("seconds.png", "seconds.svg", "memory.png", "memory.svg"),
    }
    assert "| search by id | 300 |" in (tmp_path / "report.md").read_text()
