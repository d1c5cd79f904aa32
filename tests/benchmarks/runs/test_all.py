from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.catalogs import write_catalog, write_offers
from support.sellers import write_sellers

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.errors import CatalogError, UsageError


def test_every_benchmark_runs_and_their_tables_stand_together(
    benchmark: Callable[..., Any], tiny_model: Path, tmp_path: Path
) -> None:
    catalog, other = write_sellers(tmp_path / "test", 0), write_sellers(tmp_path / "train", 60)
    arguments = ["all", catalog, "--calibrate-on", other, "--same", "product", "--model", tiny_model]
    out = tmp_path / "run"
    metrics = benchmark(*arguments, "--no-baselines", "--out", out)
    assert list(metrics) == ["retrieval", "category", "pairs", "index", "embed"]
    for name, of_benchmark in metrics.items():
        assert json.loads((out / name / "metrics.json").read_text()) == of_benchmark
        assert (out / name / "report.html").exists()
    page, report = (out / "report.html").read_text(), (out / "report.md").read_text()
    recall = metrics["retrieval"]["galleries"]["all products"]["figures"][OURS]["recall@1"]["value"]
    b_cubed = metrics["pairs"]["methods"][OURS]["B³ F1"]["value"]
    for text in (page, report):
        assert all(f"{figure:.3f} (" in text for figure in (recall, b_cubed))
        assert "itemsearch embed" in text
    assert all(f'href="{name}/report.html"' in page for name in metrics)
    assert all(f"({name}/report.md)" in report for name in metrics)
    assert "retrieval, category, pairs, index, embed." in report
    assert benchmark("report", out) == metrics
    assert (out / "report.md").read_text() == report
    speeds = json.loads((out / "embed" / "metrics.json").read_text())
    speeds["products per second"] = speeds.pop("listings per second")
    (out / "embed" / "metrics.json").write_text(json.dumps(speeds))
    with pytest.raises(CatalogError, match="metrics of another version"):
        benchmark("report", out)


def test_benchmarks_that_a_catalog_does_not_allow_are_left_out(
    benchmark: Callable[..., Any], tiny_model: Path, tmp_path: Path
) -> None:
    catalog = write_offers(tmp_path)  # of one category, without pictures
    arguments = ["all", catalog, "--model", tiny_model, "--no-baselines", "--out", tmp_path / "run"]
    assert list(benchmark(*arguments)) == ["retrieval", "index", "embed"]
    report = (tmp_path / "run" / "report.md").read_text()
    assert "fewer than two categories" in report
    assert "need --calibrate-on" in report


def test_wrong_options_are_refused_and_leave_no_finished_run(
    benchmark: Callable[..., Any], tiny_model: Path, tmp_path: Path
) -> None:
    catalog, out = write_catalog(tmp_path / "shop", 30), tmp_path / "run"
    base = ["all", catalog, "--model", tiny_model, "--no-baselines", "--out", out]
    with pytest.raises(UsageError, match="--same product: the catalog has no such column"):
        benchmark(*base, "--same", "product")
    with pytest.raises(CatalogError, match=r"none\.csv"):
        benchmark(*base, "--calibrate-on", tmp_path / "none.csv")
    with pytest.raises(CatalogError, match="not the folder of a finished benchmark run"):
        benchmark("report", out)
