from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import write_catalog

from benchmarks.baselines import BOTH, IMAGE, TITLE
from itemsearch.errors import UsageError


def test_categories_are_found_from_embeddings(
    benchmark: Callable[..., Any], tiny_model: Path, catalog_csv: Path, tmp_path: Path
) -> None:
    test = write_catalog(tmp_path / "test", 20)
    arguments = ["category", catalog_csv, "--test", test, "--out", tmp_path / "run", "--model", tiny_model]
    metrics = benchmark(*arguments, "--rows", "50")["methods"]
    assert set(metrics) == {"itemsearch", TITLE, IMAGE, BOTH}
    assert metrics[TITLE]["linear accuracy"]["value"] > 0.8
    for figures in metrics.values():
        assert set(figures) == {
            f"{probe} {figure}"
            for probe in ("linear", "10-NN")
            for figure in ("accuracy", "top-5", "macro-F1")
        }
    assert "20 products" in (tmp_path / "run" / "report.md").read_text()


def test_a_catalog_without_categories_is_told(
    benchmark: Callable[..., Any], tmp_path: Path, catalog_csv: Path
) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,mug\n2,lamp\n")
    with pytest.raises(UsageError, match="no product has a category"):
        benchmark("category", tmp_path / "c.csv", "--test", catalog_csv, "--out", tmp_path / "run")
