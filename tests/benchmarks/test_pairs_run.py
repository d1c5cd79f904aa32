from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.catalogs import write_catalog
from support.sellers import write_sellers

from itemsearch.benchmarks.data.relist import PRODUCT, SELLER, SHOP, write_listed_again
from itemsearch.benchmarks.methods.baselines import BOTH, HASH, IMAGE, RAW, TFIDF, TITLE
from itemsearch.benchmarks.metrics.clusters import FIGURES
from itemsearch.benchmarks.metrics.scoring import OURS
from itemsearch.benchmarks.runs import report as again
from itemsearch.benchmarks.runs.pairs import REVIEWED, SCORE, PairsConfig, run
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.errors import UsageError


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> tuple[CatalogConfig, CatalogConfig]:
    folder = tmp_path_factory.mktemp("offers")
    paths = (write_sellers(folder / "test", 0), write_sellers(folder / "train", 60))
    return CatalogConfig(str(paths[0])), CatalogConfig(str(paths[1]))


def test_groups_are_measured_beside_the_usual_means(
    catalogs: tuple[CatalogConfig, CatalogConfig], tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(*catalogs, same="product", min_precision=0.8, model=str(tiny_model))
    metrics = run(config, tmp_path, lambda stage: None)
    methods = {OURS, REVIEWED, SCORE, HASH, TITLE, IMAGE, BOTH, RAW, TFIDF}
    assert set(metrics["methods"]) == methods
    assert all(list(figures) == list(FIGURES) for figures in metrics["methods"].values())
    # Both listings of a product have its picture, byte for byte.
    assert metrics["methods"][IMAGE]["pair recall"]["value"] > 0.9
    report = (tmp_path / "report.md").read_text()
    assert "90 listings of 60 products" in report
    assert "Pairs differ in their seller." in report
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics == again.run(tmp_path)


def test_a_column_that_is_not_there_is_told(
    catalogs: tuple[CatalogConfig, CatalogConfig], tiny_model: Path, tmp_path: Path
) -> None:
    config = PairsConfig(*catalogs, same="product", other="shop", model=str(tiny_model))
    with pytest.raises(UsageError, match="no column 'shop'"):
        run(config, tmp_path, lambda stage: None)


def test_one_product_in_ten_is_listed_again(tmp_path: Path) -> None:
    source = CatalogConfig(str(write_catalog(tmp_path / "shop", 200)))
    out = tmp_path / "again.parquet"
    listings = write_listed_again(open_catalog(source).batches(), out, seed=0)
    table = pq.read_table(out)
    assert table.num_rows == listings
    rows = table.to_pylist()
    again = [row for row in rows if row[SELLER] != SHOP]
    assert 10 <= len(again) <= 45
    assert {row[PRODUCT] for row in rows} == {row["id"] for row in rows if row[SELLER] == SHOP}
    assert all(row["price"] is None and row["id"].startswith(row[PRODUCT] + ":") for row in again)
    sellers = [(row[PRODUCT], row[SELLER]) for row in rows]
    assert len(set(sellers)) == len(sellers)
    write_listed_again(open_catalog(source).batches(), tmp_path / "twice.parquet", seed=0)
    assert pq.read_table(tmp_path / "twice.parquet").equals(table)
