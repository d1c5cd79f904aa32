"""The `benchmark` command as a fixture, and baselines on small images."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from itemsearch.benchmarks.methods import baselines
from itemsearch.cli.app import app

Benchmark = Callable[..., Any]


@pytest.fixture
def benchmark() -> Benchmark:
    """Runs `itemsearch benchmark` and returns what --json prints; errors are raised, not printed."""

    def run(*arguments: str | Path) -> Any:
        result = CliRunner().invoke(
            app, ["benchmark", *map(str, arguments), "--json"], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture(autouse=True)
def small_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Image baselines run at 64 pixels a side, a tenth of the work of 224."""
    monkeypatch.setattr(baselines, "IMAGE_SIDE", 64)
