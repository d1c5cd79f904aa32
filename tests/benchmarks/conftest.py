from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from itemsearch.cli.app import app

Benchmark = Callable[..., Any]


@pytest.fixture
def benchmark() -> Benchmark:
    """Runs `itemsearch benchmark` and returns what --json prints; errors are raised, not told."""

    def run(*arguments: str | Path) -> Any:
        done = CliRunner().invoke(app, ["benchmark", *map(str, arguments), "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run
