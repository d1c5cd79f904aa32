"""`itemsearch benchmark embed`: the speed of embedding by stage, compared with the limit of the machine.

The stages run one after another, each alone. Then the same listings are embedded as `itemsearch embed` does,
which reads ahead while the model computes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
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
from itemsearch.benchmarks.runs import Progress
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.catalog import EmbedConfig, EmbedReport, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.store.schema import StoredPictures
from itemsearch.store.writer import StoreWriter

COUNTED = 128
"""Listings whose operations are counted; the others need about as many."""


@dataclass(frozen=True, slots=True)
class EmbedBenchConfig:
    """catalog: its `rows` limit the listings. batch_size: listings. rounds: how often all is measured."""

    catalog: CatalogConfig
    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch_size: int = 32
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Round:
    """seconds: of each stage, and of the whole command. limit: FLOP per second of a matrix product. eager:
    listings per second of the bare model in torch and float32."""

    seconds: Mapping[str, float]
    limit: float
    eager: float


class Stopwatch:
    """Measures seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Adds the time since the last lap to a stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def run(config: EmbedBenchConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes config.json, metrics.json, report.md and report.html.

    Returns:
        The content of metrics.json.

    Raises:
        CatalogError: the catalog cannot be read, or has no valid row.
        ModelError: no such model.
    """
    encoder = open_encoder(config.model, config.device)
    eager = TorchEncoder.from_pretrained(config.model, config.device)
    out.mkdir(parents=True, exist_ok=True)
    progress("warming up")
    with MemoryWatch(eager.device) as memory:
        embedded = _embed(config, encoder, out)
    batches = _counted(config, encoder)
    operations = model_flops(eager, batches) / sum(len(batch.rows) for batch in batches)
    rounds = []
    for number in range(1, config.rounds + 1):
        progress(f"round {number} of {config.rounds}")
        rounds.append(_round(config, encoder, eager, batches, out))
    metrics = {
        "listings": embedded.embedded,
        "rejected": embedded.rejected,
        "listings per second": {
            stage: _spread([embedded.embedded / measured.seconds[stage] for measured in rounds])
            for stage in rounds[0].seconds
        },
        "engine": encoder.runs_on,
        "precision": encoder.stamp.precision,
        "eager float32, listings per second": _spread([measured.eager for measured in rounds]),
        "operations per listing": operations,
        "matrix side": SIDES[eager.device.type],
        "limit, operations per second": _spread([measured.limit for measured in rounds]),
        "model, operations per second": _spread(
            [operations * embedded.embedded / measured.seconds[MODEL] for measured in rounds]
        ),
        "memory": {"before": memory.before, "peak": memory.peak, "GPU peak": memory.gpu_peak},
    }
    at_once = str(config.batch_size or "as many as suit the device")
    summary = (
        f"{embedded.embedded:,} listings, {at_once} at a time, {encoder.runs_on}; {config.rounds} rounds."
    )
    described = describe_run("embed", config, encoder.stamp, summary)
    write_description(out, described)
    report(out, described, metrics)
    return metrics


def _spread(figures: list[float]) -> dict[str, float]:
    return {"median": float(np.median(figures)), "least": min(figures), "most": max(figures)}


def _embed(config: EmbedBenchConfig, encoder: Encoder, out: Path) -> EmbedReport:
    """Embeds as `itemsearch embed` does, into a temporary store."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        settings = EmbedConfig(config.batch_size)
        return embed_catalog(config.catalog, Path(folder) / "store", encoder, settings, lambda *rows: None)


def _counted(config: EmbedBenchConfig, encoder: Encoder) -> list[EncoderBatch]:
    """The first `COUNTED` listings, prepared."""
    catalog = replace(config.catalog, batch_rows=COUNTED)
    listings = next(batch.items for batch in open_catalog(catalog).batches() if batch.items)
    titles, images = [listing.title for listing in listings], [listing.image for listing in listings]
    return list(encoder.prepare(titles, images, config.batch_size))


def _round(
    config: EmbedBenchConfig,
    encoder: Encoder,
    eager: TorchEncoder,
    batches: Sequence[EncoderBatch],
    out: Path,
) -> Round:
    seconds = _by_stage(config, encoder, out)
    whole_command = _embed(config, encoder, out).seconds
    limit = matrix_flops(eager.device, getattr(torch, encoder.stamp.precision))
    started = time.perf_counter()
    for batch in batches:
        eager.embed(batch, half=False)
    eager_rate = sum(len(batch.rows) for batch in batches) / (time.perf_counter() - started)
    stages = {**seconds, ONE_BY_ONE: sum(seconds.values()), TOGETHER: whole_command}
    return Round(stages, limit, eager_rate)


def _by_stage(config: EmbedBenchConfig, encoder: Encoder, out: Path) -> dict[str, float]:
    """The seconds of each stage, which run one after another."""
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
            listings = batch.items
            titles, images = [listing.title for listing in listings], [listing.image for listing in listings]
            prepared = list(encoder.prepare(titles, images, config.batch_size))
            watch.lap(PREPARING)
            embeddings = np.empty((len(listings), encoder.dim), np.float32)
            for prepared_batch in prepared:
                embeddings[prepared_batch.rows] = encoder.embed(prepared_batch)
            watch.lap(MODEL)
            store.add(listings, embeddings, StoredPictures.of(listings), batch.carried)
            rows += batch.rows
            watch.lap(WRITING)
        store.finish(config.catalog.path, rows)
        watch.lap(WRITING)
    return watch.seconds
