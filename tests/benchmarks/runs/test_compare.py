from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.catalogs import titles, write_catalog

from itemsearch.benchmarks.data.predictions import EVERYTHING
from itemsearch.errors import CatalogError, GateError, UsageError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("small"), 12)


@pytest.fixture
def measure(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Searches each listing by its title, the first `wrong` of them by the title of the next."""

    def run(name: str, wrong: int) -> Any:
        queries = small.parent / f"{name}.csv"
        lines = [
            f"q{number},{titles(13)[number + (number < wrong)]},images/{number}.png,{number:05d}"
            for number in range(12)
        ]
        queries.write_text("\n".join(["query_id,title,image,expected_id", *lines]) + "\n")
        return benchmark(
            *("retrieval", small, "--queries", queries, "--out", tmp_path / name, "--model", tiny_model),
            "--no-baselines",
        )

    return run


@pytest.fixture
def measured(measure: Callable[..., Any], tmp_path: Path) -> Path:
    measure("run", 6)
    return tmp_path / "run"


def test_a_report_is_made_again_from_the_predictions(benchmark: Callable[..., Any], measured: Path) -> None:
    written = {name: (measured / name).read_bytes() for name in ("metrics.json", "report.md", "report.html")}
    plots = {path: path.read_bytes() for path in (measured / "plots").iterdir()}
    assert len(plots) == 6
    for name in written:
        (measured / name).unlink()
    shutil.rmtree(measured / "plots")
    assert benchmark("report", measured) == json.loads(written["metrics.json"])
    assert {name: (measured / name).read_bytes() for name in written} == written
    assert {path: path.read_bytes() for path in plots} == plots


def test_a_report_needs_no_images(benchmark: Callable[..., Any], measured: Path) -> None:
    (measured / "queries.parquet").unlink()
    shutil.rmtree(measured / "store")
    benchmark("report", measured)
    assert "no image" in (measured / "report.html").read_text()


def test_a_page_loads_nothing_from_elsewhere(measured: Path) -> None:
    page = (measured / "report.html").read_text()
    assert page.count('src="data:image/') == page.count("src=") > 3
    assert "<script" not in page
    assert "<link" not in page
    assert "url(" not in page


def test_the_same_seed_gives_the_same_metrics(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path
) -> None:
    arguments = ["retrieval", small, "--model", tiny_model, "--seed", "3", "--out"]
    one, two = (benchmark(*arguments, tmp_path / name) for name in ("one", "two"))
    assert one == two
    differences = benchmark("compare", tmp_path / "one", tmp_path / "two")
    assert all(
        figure == {"value": 0, "low": 0, "high": 0}
        for methods in differences.values()
        for figures in methods.values()
        for figure in figures.values()
    )


def test_a_run_that_falls_below_a_limit_fails(
    benchmark: Callable[..., Any], measured: Path, measure: Callable[..., Any], tmp_path: Path
) -> None:
    better, worse = tmp_path / "better", measured
    metrics = (json.loads((worse / "metrics.json").read_text()), measure("better", 0))
    figures = [run["galleries"][EVERYTHING]["figures"]["itemsearch"]["MRR"]["value"] for run in metrics]
    change = benchmark("compare", worse, better, "--fail-if", "MRR:0")[EVERYTHING]["itemsearch"]["MRR"]
    assert change["value"] == pytest.approx(figures[1] - figures[0])
    assert change["value"] > 0
    with pytest.raises(GateError, match="MRR of itemsearch, all products: -0"):
        benchmark("compare", better, worse, "--fail-if", "MRR:-1", "--fail-if", "MRR:0")


def test_runs_that_differ_are_refused(
    benchmark: Callable[..., Any], measured: Path, small: Path, tiny_model: Path, tmp_path: Path
) -> None:
    fewer = write_catalog(tmp_path / "fewer", 8)
    benchmark("retrieval", fewer, "--out", tmp_path / "two", "--model", tiny_model, "--no-baselines")
    with pytest.raises(UsageError, match="have different queries"):
        benchmark("compare", measured, tmp_path / "two")
    with pytest.raises(UsageError, match="write FIGURE:DIFFERENCE"):
        benchmark("compare", measured, measured, "--fail-if", "recall")
    with pytest.raises(UsageError, match="no figure 'recall@3'"):
        benchmark("compare", measured, measured, "--fail-if", "recall@3:0")
    with pytest.raises(UsageError, match="'magic' is not in both runs"):
        benchmark("compare", measured, measured, "--fail-if", "recall@1:0", "--method", "magic")
    shutil.copytree(measured, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "config.json").unlink()
    with pytest.raises(CatalogError, match="not the folder of a finished benchmark run"):
        benchmark("compare", measured, tmp_path / "unfinished")
    (measured / "predictions.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(CatalogError, match="not the predictions of a benchmark run"):
        benchmark("report", measured)
