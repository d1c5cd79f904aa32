from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles, write_catalog

from itemsearch.benchmarks.data.predictions import EVERYTHING, OURS, OWN_CATEGORY
from itemsearch.benchmarks.methods.baselines import (
    BOTH,
    HASH,
    IMAGE,
    RAW,
    TFIDF,
    TITLE,
    WEIGHTED,
)
from itemsearch.benchmarks.runs.retrieval import JOINT
from itemsearch.errors import CatalogError, MissingColumnError, UsageError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("small"), 12)


def test_a_relisting_is_measured_beside_the_baselines(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path
) -> None:
    arguments = ["retrieval", small, "--out", tmp_path / "run", "--model", tiny_model, "--tune-on", small]
    metrics = benchmark(*arguments)
    everything = metrics["galleries"][EVERYTHING]
    assert set(everything["figures"]) == {OURS, JOINT, TITLE, IMAGE, BOTH, RAW, WEIGHTED, TFIDF, HASH}
    for figures in everything["figures"].values():
        assert {"recall@1", "precision@5", "mAP@R", "MRR", "uAP", "recall at precision 0.95"} <= set(figures)
        assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in figures.values())
    assert set(everything["differences"]) == set(everything["figures"]) - {OURS}
    predictions = pq.read_table(tmp_path / "run" / "predictions.parquet")
    hard = metrics["galleries"][OWN_CATEGORY]
    assert hard["queries"] == 4  # two categories have two products, the others one
    assert predictions.num_rows == (12 + 4) * len(everything["figures"])
    first = [row for row in predictions.to_pylist() if (row["method"], row["gallery"]) == (TITLE, EVERYTHING)]
    recall = np.mean([row["answers"][0] == row["right_id"] for row in first])
    assert everything["figures"][TITLE]["recall@1"]["value"] == pytest.approx(recall)
    assert any(name.startswith("words: ") for name in metrics["slices"]["edit"])
    report = (tmp_path / "run" / "report.md").read_text()
    assert "12 queries" in report
    assert f"| {BOTH} |" in report
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["benchmark"] == "retrieval"
    assert config["machine"]["cores"] >= 1
    # Without calibration the engine ranks by the joint cosine.
    assert everything["figures"][OURS] == everything["figures"][JOINT]


def test_a_queries_file_holds_the_expected_ids(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path
) -> None:
    queries = small.parent / "queries.csv"
    with queries.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query_id", "title", "name", "image", "expected_id"])
        for number in range(8):
            writer.writerow(
                [f"q{number}", "nothing", titles(12)[number], f"images/{number}.png", f"{number:05d}"]
            )
    base = ["retrieval", small, "--queries", queries, "--model", tiny_model, "--no-baselines"]
    by_name = benchmark(*base, "--out", tmp_path / "name", "--query-column", "title=name")
    assert by_name["galleries"][EVERYTHING]["figures"][OURS]["recall@1"]["value"] == 1.0
    assert set(by_name["galleries"][EVERYTHING]["figures"]) == {OURS, JOINT}
    by_title = benchmark(*base, "--out", tmp_path / "title")
    assert by_title["galleries"][EVERYTHING]["figures"][OURS]["recall@1"]["value"] < 1.0


def test_queries_without_title_or_image_are_a_slice_of_their_own(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path
) -> None:
    queries = small.parent / "parts.csv"
    lines = ["query_id,title,image,expected_id"]
    for number, title in enumerate(titles(12)):
        lines.append(f"t{number},{title},,{number:05d}")
        lines.append(f"p{number},,images/{number}.png,{number:05d}")
        lines.append(f"b{number},{title},images/{number}.png,{number:05d}")
    queries.write_text("\n".join(lines) + "\n")
    arguments = ["retrieval", small, "--queries", queries, "--model", tiny_model, "--out", tmp_path / "run"]
    slices = benchmark(*arguments)["slices"]["modality"]
    assert list(slices) == ["picture alone", "title alone", "title and picture"]
    assert all(figures[OURS]["value"] > 0.5 for figures in slices.values())
    report = (tmp_path / "run" / "report.md").read_text()
    assert "## By modality" in report
    assert "| picture alone | 12 |" in report


def test_listings_of_one_product_find_each_other(
    benchmark: Callable[..., Any], tiny_model: Path, tmp_path: Path
) -> None:
    catalog = tmp_path / "offers.csv"
    with catalog.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "product"])
        for number in range(10):
            writer.writerow([f"{number}a", titles(60)[number], number])
            writer.writerow([f"{number}b", titles(60)[number] + " new", number])
        writer.writerow(["alone", "something else", 99])
    metrics = benchmark(
        "retrieval", catalog, "--same", "product", "--out", tmp_path / "run", "--model", tiny_model
    )
    figures = metrics["galleries"][EVERYTHING]["figures"]
    assert set(figures) == {OURS, JOINT, TITLE, TFIDF}
    assert figures[TFIDF]["recall@1"]["value"] == 1.0
    assert metrics["galleries"][EVERYTHING]["queries"] == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query_id,title\nq,mug\n", "no column 'expected_id'"),
        ("query_id,title,expected_id\nq,mug,zzz\n", "1 of 1 expected ids are not in the catalog, 'zzz'"),
        ("query_id,title,expected_id\nq,,00001\n", "row 1, query_id 'q'"),
    ],
)
def test_wrong_queries_are_refused(
    benchmark: Callable[..., Any], small: Path, tiny_model: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "q.csv").write_text(text)
    with pytest.raises((CatalogError, MissingColumnError), match=message):
        benchmark(
            "retrieval",
            small,
            "--queries",
            tmp_path / "q.csv",
            "--out",
            tmp_path / "run",
            "--model",
            tiny_model,
        )


def test_wrong_options_are_refused(benchmark: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such column"):
        benchmark("retrieval", small, "--same", "product", "--out", tmp_path / "run")
    with pytest.raises(UsageError, match="no two listings"):
        benchmark("retrieval", small, "--same", "price", "--out", tmp_path / "run")
    with pytest.raises(UsageError, match="one of --queries, --same and --dataset"):
        benchmark("retrieval", small, "--same", "price", "--queries", "q.csv", "--out", tmp_path / "run")
    with pytest.raises(UsageError, match="--query-column 'title': write ROLE=NAME"):
        benchmark("retrieval", small, "--query-column", "title", "--out", tmp_path / "run")
