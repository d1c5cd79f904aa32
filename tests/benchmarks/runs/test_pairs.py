from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.sellers import LISTED_TWICE, write_sellers

from itemsearch.benchmarks.data.judged_pairs import AUTOMATIC, OFFERED
from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.methods.baselines import BOTH, IMAGE, TFIDF, TITLE
from itemsearch.benchmarks.methods.pair_rules import CLEAR, CONNECTED, FIXED, MUTUAL
from itemsearch.benchmarks.metrics.clusters import FIGURES
from itemsearch.benchmarks.runs import report
from itemsearch.benchmarks.runs.pairs import SCORE, PairsConfig, run
from itemsearch.catalog import CatalogConfig
from itemsearch.errors import CatalogError, UsageError
from itemsearch.indexes.progress import silent


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> CatalogConfig:
    return CatalogConfig(str(write_sellers(tmp_path_factory.mktemp("offers"), 0)))


def write_truth(catalog: CatalogConfig, path: Path) -> str:
    with Path(catalog.path).open(newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    pairs = [f"{id.removesuffix(':2')},{id}" for id in ids if id.endswith(":2")]
    path.write_text("\n".join(["id_a,id_b", *pairs]) + "\n")
    return str(path)


def test_duplicates_without_labels_are_measured_beside_the_baselines(
    catalog: CatalogConfig, tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(catalog, same="product", other="seller", model=str(tiny_model))
    metrics = run(config, tmp_path, silent)
    baselines = {
        f"{score}: {rule}"
        for score in (SCORE, TITLE, IMAGE, BOTH, TFIDF)
        for rule in (MUTUAL, CLEAR, FIXED, CONNECTED)
    }
    assert set(metrics["methods"]) == {OURS, OURS + AUTOMATIC, OURS + OFFERED} | baselines
    assert all(list(figures) == list(FIGURES) for figures in metrics["methods"].values())
    # Both listings of a product have the same image file.
    assert metrics["methods"][f"{IMAGE}: {MUTUAL}"]["pair recall"]["value"] > 0.9
    assert metrics["pairs"]["true"] == LISTED_TWICE
    assert 0 <= metrics["reliability"][OURS]["error"]["value"] <= 1
    assert sum(each["pairs"] for each in metrics["reliability"][OURS]["bins"]) > 0
    tier = metrics["tiers"][OURS + OFFERED]
    assert set(tier) == {f"{name}, {of}" for name in ("precision", "recall") for of in ("estimated", "true")}
    text = (tmp_path / "report.md").read_text()
    assert "90 listings of 60 products, 30 true pairs" in text
    assert "Pairs differ in their seller." in text
    assert (tmp_path / "plots" / "reliability.png").is_file()
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics == report.run(tmp_path)


def test_a_file_of_pairs_is_the_same_truth_and_labels_are_measured_on_the_rest(
    catalog: CatalogConfig, tiny_model: Path, tmp_path: Path
) -> None:
    truth = write_truth(catalog, tmp_path / "truth.csv")
    by_file = PairsConfig(
        catalog, truth=truth, other="seller", labels=10, model=str(tiny_model), baselines=False
    )
    metrics = run(by_file, tmp_path / "run", silent)
    labelled = f"{OURS}, 10 labels"
    assert {labelled, labelled + AUTOMATIC, labelled + OFFERED} < set(metrics["methods"])
    assert list(metrics["reliability"]) == [OURS, labelled]
    text = (tmp_path / "run" / "report.md").read_text()
    assert "30 true pairs" in text
    assert "10 compared pairs were labelled" in text
    settings = json.loads((tmp_path / "run" / "duplicates-10-labels" / "run.json").read_text())["settings"]
    assert settings["curve"]["labels"] == 10


def test_without_truth_one_product_in_ten_is_relisted_by_another_seller(
    catalog: CatalogConfig, tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(catalog, model=str(tiny_model), baselines=False)
    metrics = run(config, tmp_path, silent)
    assert 0 < metrics["pairs"]["true"] < 40
    assert "Pairs differ in their seller." in (tmp_path / "report.md").read_text()


def test_columns_that_are_missing_and_two_truths_are_refused(
    catalog: CatalogConfig, tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(catalog, same="product", other="shop", model=str(tiny_model))
    with pytest.raises(UsageError, match="no column 'shop'"):
        run(config, tmp_path / "run", silent)
    with pytest.raises(UsageError, match="--truth and --same: give one of them"):
        run(PairsConfig(catalog, truth="pairs.csv", same="product"), tmp_path / "run", silent)


def test_a_run_of_an_older_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"benchmark": "pairs", "options": {"seed": 0}}))
    with pytest.raises(CatalogError, match="older version"):
        report.run(tmp_path)
