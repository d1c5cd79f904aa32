from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.catalogs import THINGS, titles, write_catalog

from itemsearch.benchmarks.methods.baselines import BOTH, HASH, IMAGE, RAW, TITLE
from itemsearch.benchmarks.runs.category import JOINT, CategoryConfig, split
from itemsearch.catalog import CatalogConfig
from itemsearch.errors import UsageError


def test_categories_are_predicted_from_embeddings(
    benchmark: Callable[..., Any], tiny_model: Path, catalog_csv: Path, tmp_path: Path
) -> None:
    test = write_catalog(tmp_path / "test", 20)
    arguments = ["category", catalog_csv, "--test", test, "--out", tmp_path / "run", "--model", tiny_model]
    metrics = benchmark(*arguments, "--rows", "50")["methods"]
    assert set(metrics) == {"itemsearch", f"itemsearch, {JOINT}", TITLE, IMAGE, BOTH, RAW, HASH}
    assert metrics[TITLE]["linear accuracy"]["value"] > 0.8
    for figures in metrics.values():
        assert set(figures) == {
            f"{probe} {figure}"
            for probe in ("linear", "10-NN")
            for figure in ("accuracy", "top-5", "macro-F1")
        }
    assert "20 listings" in (tmp_path / "run" / "report.md").read_text()


def test_no_product_is_in_both_parts(benchmark: Callable[..., Any], tiny_model: Path, tmp_path: Path) -> None:
    numbered = enumerate(titles(90))
    lines = ["id,title,category,product"]
    lines += [f"{n},{title} of {n % 3},{THINGS[n // 3 % 10]},p{n // 3}" for n, title in numbered]
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    catalog = CatalogConfig(str(tmp_path / "c.csv"))
    parts = split(CategoryConfig(catalog, group="product"))
    assert parts.train is parts.test
    assert sorted(row for _, tested in parts.folds for row in tested) == list(range(90))
    products = np.array(parts.train.products)
    for learnt, tested in parts.folds:
        assert len(learnt) + len(tested) == 90
        assert not set(products[learnt]) & set(products[tested])
    # The test part is a part of the catalog: its products are not trained on.
    (tmp_path / "t.csv").write_text("\n".join(lines[:20]) + "\n")
    parts = split(CategoryConfig(catalog, CatalogConfig(str(tmp_path / "t.csv")), group="product"))
    [(learnt, tested)] = parts.folds
    assert len(tested) == len(parts.test.listings) == 19
    assert len(learnt) == len(parts.train.listings) == 90 - 21
    arguments = ["category", tmp_path / "c.csv", "--group", "product", "--model", tiny_model]
    metrics = benchmark(*arguments, "--no-baselines", "--out", tmp_path / "run")
    assert metrics["methods"]["itemsearch"]["linear top-5"]["value"] >= 0
    assert benchmark("report", tmp_path / "run") == metrics
    with pytest.raises(UsageError, match="--group seller: the catalog has no such column"):
        benchmark(*arguments[:3], "seller", "--out", tmp_path / "run")
    with pytest.raises(UsageError, match="0 listings to train on"):
        benchmark("category", tmp_path / "t.csv", "--test", tmp_path / "t.csv", "--out", tmp_path / "run")


def test_a_catalog_without_categories_is_refused(
    benchmark: Callable[..., Any], tmp_path: Path, catalog_csv: Path
) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,mug\n2,lamp\n")
    with pytest.raises(UsageError, match="no listing has a category"):
        benchmark("category", tmp_path / "c.csv", "--test", catalog_csv, "--out", tmp_path / "run")
