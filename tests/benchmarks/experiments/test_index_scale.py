from __future__ import annotations

from pathlib import Path

from itemsearch.benchmarks.experiments.index_scale import ScaleConfig, run
from itemsearch.indexes.types import Target


def test_an_index_is_compared_with_faiss(tmp_path: Path) -> None:
    metrics = run(ScaleConfig(10_000, 32, Target(0.8), 0, "cpu"), tmp_path)
    assert metrics["recall"]["ours"] >= 0.8
    assert abs(metrics["recall"]["ours"] - metrics["recall"]["faiss"]) < 0.05
    assert metrics["find themselves"] == 1
    assert "| queries per second |" in (tmp_path / "report.md").read_text()
