"""A benchmark run's files: what was run, the figures, and a page to read."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.metrics import Interval
from itemsearch.store.manifest import ModelStamp

LIBRARIES = ("itemsearch", "torch", "transformers", "numpy", "scikit-learn")

Figures = Mapping[str, Mapping[str, Interval]]
"""Row to column to figure."""


def describe_run(benchmark: str, config: Any, model: ModelStamp, **facts: int | str) -> dict[str, Any]:
    """What config.json holds. config: the benchmark's frozen dataclass."""
    return {
        "benchmark": benchmark,
        **facts,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": asdict(config),
        "model": {"name": model.name, "fingerprint": model.fingerprint, "precision": model.precision},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def write_run(
    out: Path, described: Mapping[str, Any], methods: Figures, edits: Figures, summary: str
) -> dict[str, Any]:
    """Writes config.json, metrics.json and report.md; returns what metrics.json holds.

    Args:
        methods: the figures of each method. edits: those of each edit, {} for none.
        summary: the sentence above the table.
    """
    metrics = {"methods": _plain(methods), "edits": _plain(edits)}
    (out / "config.json").write_text(json.dumps(described, indent=1, default=str), "utf-8")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    model = described["model"]
    lines = [summary, "", *_table("method", methods), ""]
    if edits:
        lines += ["Where an edit was made, recall@1:", "", *_table("edit", edits), ""]
    lines.append(
        f"Model {model['name']} ({model['fingerprint'][:8]}, {model['precision']}), {described['made']}."
    )
    lines.append("In brackets: bootstrap 95% intervals.")
    (out / "report.md").write_text("\n".join(lines) + "\n", "utf-8")
    return metrics


def _plain(figures: Figures) -> dict[str, dict[str, dict[str, float]]]:
    return {row: {name: asdict(figure) for name, figure in cells.items()} for row, cells in figures.items()}


def _table(name: str, figures: Figures) -> list[str]:
    columns = list(next(iter(figures.values())))
    head = [f"| {name} | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    return head + [f"| {row} | {' | '.join(map(str, cells.values()))} |" for row, cells in figures.items()]
