from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from itemsearch.errors import EmptyCatalogError, MissingColumnError, UsageError


def test_speed_is_measured_by_stage(
    benchmark: Callable[..., Any], catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    metrics = benchmark("embed", catalog_csv, "--out", out, "--model", tiny_model, "--rows", "40")
    assert metrics["listings"] == 40
    speeds = {stage: speed["median"] for stage, speed in metrics["listings per second"].items()}
    assert list(speeds) == ["all but the model", "the bare model", "itemsearch embed"]
    assert all(
        speed["least"] <= speed["median"] <= speed["most"]
        for speed in metrics["listings per second"].values()
    )
    # A process that only embeds loads no torch, which alone would take more than this.
    assert metrics["memory"]["before"] < 350 * 2**20
    assert metrics["share of the slower"]["median"] > 0
    assert metrics["memory"]["peak"] >= metrics["memory"]["before"] > 0
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "metrics.json",
        "report.html",
        "report.md",
    ]
    report = (out / "report.md").read_text()
    assert f"40 listings, 32 at a time, {metrics['engine']}" in report
    assert "| the bare model, torch in float32 |" in report
    assert "| the bare model |" in report
    with pytest.raises(UsageError, match="a run of 'embed'; predictions are saved by"):
        benchmark("report", out)


def test_wrong_catalogs_and_options_are_refused(
    benchmark: Callable[..., Any], tiny_model: Path, catalog_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing.csv").write_text("id,title\n")
    (tmp_path / "other.csv").write_text("id,name\n1,mug\n")
    arguments = ["--out", tmp_path / "run", "--model", tiny_model]
    with pytest.raises(EmptyCatalogError, match=r"nothing\.csv: no rows"):
        benchmark("embed", tmp_path / "nothing.csv", *arguments)
    with pytest.raises(MissingColumnError, match="no column 'title' or 'image'"):
        benchmark("embed", tmp_path / "other.csv", *arguments)
    with pytest.raises(UsageError, match="--device is 'gpu'"):
        benchmark("embed", catalog_csv, *arguments, "--device", "gpu")
