from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.sellers import write_sellers

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.methods.baselines import BOTH, HASH, IMAGE, RAW, TFIDF, TITLE
from itemsearch.benchmarks.metrics.clusters import FIGURES
from itemsearch.benchmarks.runs import report
from itemsearch.benchmarks.runs.pairs import REVIEWED, SCORE, PairsConfig, run
from itemsearch.catalog import CatalogConfig
from itemsearch.errors import UsageError


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> tuple[CatalogConfig, CatalogConfig]:
    folder = tmp_path_factory.mktemp("offers")
    paths = (write_sellers(folder / "test", 0), write_sellers(folder / "train", 60))
    return CatalogConfig(str(paths[0])), CatalogConfig(str(paths[1]))


def test_groups_are_measured_beside_the_baselines(
    catalogs: tuple[CatalogConfig, CatalogConfig], tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(*catalogs, same="product", min_precision=0.8, model=str(tiny_model))
    metrics = run(config, tmp_path, lambda stage: None)
    methods = {OURS, REVIEWED, SCORE, HASH, TITLE, IMAGE, BOTH, RAW, TFIDF}
    assert set(metrics["methods"]) == methods
    assert all(list(figures) == list(FIGURES) for figures in metrics["methods"].values())
    # Both listings of a product have the same image file.
    assert metrics["methods"][IMAGE]["pair recall"]["value"] > 0.9
    text = (tmp_path / "report.md").read_text()
    assert "90 listings of 60 products" in text
    assert "Pairs differ in their seller." in text
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics == report.run(tmp_path)


def test_a_missing_column_is_refused(
    catalogs: tuple[CatalogConfig, CatalogConfig], tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(*catalogs, same="product", other="shop", model=str(tiny_model))
    with pytest.raises(UsageError, match="no column 'shop'"):
        run(config, tmp_path, lambda stage: None)
