from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.catalogs import titles

from itemsearch.benchmarks.metrics.machine import MemoryWatch, matrix_flops, model_flops
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.errors import EmptyCatalogError, MissingColumnError, UsageError


def test_speed_is_measured_by_stage(
    benchmark: Callable[..., Any], catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    metrics = benchmark("embed", catalog_csv, "--out", out, "--model", tiny_model, "--rows", "40")
    assert metrics["listings"] == 40
    speeds = {stage: speed["median"] for stage, speed in metrics["products per second"].items()}
    stages = ["reading and decoding", "preparing", "the bare model", "writing"]
    assert list(speeds) == [*stages, "one after another", "itemsearch embed"]
    assert all(
        speed["least"] <= speed["median"] <= speed["most"]
        for speed in metrics["products per second"].values()
    )
    assert all(speeds["one after another"] < speeds[stage] for stage in stages)
    assert metrics["memory"]["peak"] >= metrics["memory"]["before"] > 0
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "metrics.json",
        "report.html",
        "report.md",
    ]
    report = (out / "report.md").read_text()
    assert "40 products, 32 at a time, on cpu" in report
    assert "| the bare model |" in report
    with pytest.raises(UsageError, match="a run of 'embed'; predictions are kept by"):
        benchmark("report", out)


def test_what_cannot_be_embedded_is_told(
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


def test_a_models_work_is_that_of_its_matrix_products(encoder: ListingEncoder) -> None:
    """Counted by hand: the patches' projection, then four projections, attention and two layers between."""
    [(_, listing)] = encoder.prepare(titles(3), [None] * 3, 32)
    words = listing.input_ids.shape[1]
    listings = words * (4 * 32 * 32 + 2 * 32 * 64) + 2 * words * words * 32
    assert model_flops(encoder, [listing]) == pytest.approx(2 * 3 * listings, rel=0.01)


def test_preparing_and_embedding_are_encoding(encoder: ListingEncoder) -> None:
    named = titles(20)
    embeddings = np.empty((20, encoder.dim), np.float32)
    for rows, listing in encoder.prepare(named, [None] * 20, 8):
        embeddings[rows] = encoder.embed(listing)
    assert np.array_equal(embeddings, encoder.encode(named, [None] * 20, 8))


def test_memory_is_watched_while_it_is_held() -> None:
    with MemoryWatch(torch.device("cpu")) as memory:
        held = np.ones(100 * 2**20, np.uint8)
        del held
    assert memory.peak > memory.before
    assert memory.gpu_peak == 0


def test_a_matrix_product_takes_time() -> None:
    assert 1e8 < matrix_flops(torch.device("cpu"), torch.float32) < 1e16
