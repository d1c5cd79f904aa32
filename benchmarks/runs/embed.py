"""How fast products become embeddings: by stage, beside the bare model and what the machine can do.

`itemsearch benchmark embed` takes the stages one after another, each alone with the machine, and then embeds
the same products as `itemsearch embed` does, which reads ahead while the model computes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from itemsearch.benchmarks.metrics.machine import SIDES, MemoryWatch, matrix_flops, model_flops
from itemsearch.benchmarks.reports.embed_report import (
    MODEL,
    ONE_BY_ONE,
    PREPARING,
    READING,
    TOGETHER,
    WRITING,
    report,
)
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.catalog import EmbedConfig, EmbedReport, embed_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ListingEncoder
from itemsearch.store.schema import thumbnail
from itemsearch.store.writer import StoreWriter

COUNTED = 128
"""Products whose work is counted; others are like them."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EmbedBenchConfig:
    """catalog: its `rows` say how many are embedded. rounds: everything is measured so often."""

    catalog: CatalogConfig
    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int = 32
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Round:
    """seconds: of each stage, and of all of it as a user runs it. limit: FLOP/s of a matrix product."""

    seconds: Mapping[str, float]
    limit: float


class Stopwatch:
    """Seconds by stage: each `lap` adds the time since the last one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def run(config: EmbedBenchConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes config.json, metrics.json, report.md and report.html.

    Returns:
        What metrics.json holds.

    Raises:
        CatalogError: the catalog cannot be read, or no row of it is usable.
        ModelError: no such model.
    """
    encoder = ListingEncoder.from_pretrained(config.model, config.device)
    out.mkdir(parents=True, exist_ok=True)
    progress("warming up")
    with MemoryWatch(encoder.device) as memory:
        embedded = _embed(config, encoder, out)
    work = _work(config, encoder)
    rounds = []
    for number in range(1, config.rounds + 1):
        progress(f"round {number} of {config.rounds}")
        rounds.append(_round(config, encoder, out))
    metrics = {
        "listings": embedded.embedded,
        "rejected": embedded.rejected,
        "products per second": {
            stage: _spread([embedded.embedded / each.seconds[stage] for each in rounds])
            for stage in rounds[0].seconds
        },
        "precision": encoder.precision,
        "operations a product": work,
        "matrix side": SIDES[encoder.device.type],
        "limit, operations a second": _spread([each.limit for each in rounds]),
        "model, operations a second": _spread(
            [work * embedded.embedded / each.seconds[MODEL] for each in rounds]
        ),
        "memory": {"before": memory.before, "peak": memory.peak, "GPU peak": memory.gpu_peak},
    }
    summary = (
        f"{embedded.embedded:,} products, {config.batch_size} at a time, on {encoder.device} in "
        f"{encoder.precision}; {config.rounds} rounds."
    )
    described = describe_run("embed", config, encoder.stamp, summary)
    write_description(out, described)
    report(out, described, metrics)
    return metrics


def _spread(figures: list[float]) -> dict[str, float]:
    return {"median": float(np.median(figures)), "least": min(figures), "most": max(figures)}


def _embed(config: EmbedBenchConfig, encoder: ListingEncoder, out: Path) -> EmbedReport:
    """As `itemsearch embed` does, into a store that is removed again."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        settings = EmbedConfig(config.batch_size)
        return embed_catalog(config.catalog, Path(folder) / "store", encoder, settings, lambda *rows: None)


def _work(config: EmbedBenchConfig, encoder: ListingEncoder) -> float:
    """Floating-point operations a product, of the first `COUNTED` of them."""
    some = replace(config.catalog, batch_rows=COUNTED)
    products = next(batch.items for batch in open_catalog(some).batches() if batch.items)
    titles, images = [product.title for product in products], [product.image for product in products]
    listings = [listing for _, listing in encoder.prepare(titles, images, config.batch_size)]
    return model_flops(encoder, listings) / len(products)


def _round(config: EmbedBenchConfig, encoder: ListingEncoder, out: Path) -> Round:
    seconds = _by_stage(config, encoder, out)
    together = _embed(config, encoder, out).seconds
    limit = matrix_flops(encoder.device, getattr(torch, encoder.precision))
    return Round({**seconds, ONE_BY_ONE: sum(seconds.values()), TOGETHER: together}, limit)


def _by_stage(config: EmbedBenchConfig, encoder: ListingEncoder, out: Path) -> dict[str, float]:
    source = open_catalog(config.catalog)
    with (
        tempfile.TemporaryDirectory(dir=out) as folder,
        StoreWriter(
            Path(folder) / "store", encoder.stamp, encoder.dim, EmbedConfig().dtype, source.carried
        ) as store,
    ):
        watch, rows = Stopwatch(), 0
        for batch in source.batches():
            watch.lap(READING)
            products = batch.items
            titles, images = [product.title for product in products], [product.image for product in products]
            prepared = list(encoder.prepare(titles, images, config.batch_size))
            watch.lap(PREPARING)
            embeddings = np.empty((len(products), encoder.dim), np.float32)
            for places, listing in prepared:
                embeddings[places] = encoder.embed(listing)
            watch.lap(MODEL)
            thumbnails = [None if image is None else thumbnail(image) for image in images]
            store.add(products, embeddings, thumbnails, batch.carried)
            rows += batch.rows
            watch.lap(WRITING)
        store.finish(config.catalog.path, rows)
        watch.lap(WRITING)
    return watch.seconds
