"""`itemsearch benchmark embed`: the speed of embedding beside the model alone and all the rest alone.

"All the rest" is the command with a model that computes nothing: it reads, decodes, resizes, cuts titles to
word pieces, and writes. The command does both at once; the slower of the two is the most it can reach.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from itemsearch.benchmarks.metrics.machine import SIDES, matrix_flops, model_flops
from itemsearch.benchmarks.metrics.memory import measure_embed_memory
from itemsearch.benchmarks.reports.embed_report import MODEL, REST, TOGETHER, report
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, EmbedReport, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.indexes.arrays import Floats
from itemsearch.indexes.progress import Progress, silent

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
    """seconds: of the rest, of the model and of the whole command. limit: FLOP a second of a matrix product.
    eager: listings per second of the bare model in torch and float32."""

    seconds: Mapping[str, float]
    limit: float
    eager: float

    @property
    def share(self) -> float:
        """The speed of the whole command, of the slower of its two parts."""
        return max(self.seconds[REST], self.seconds[MODEL]) / self.seconds[TOGETHER]


class _NoModel:
    """An encoder whose embeddings cost nothing, and which keeps the batches that it was to embed."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.batches: list[EncoderBatch] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def embed(self, batch: EncoderBatch) -> Floats:
        """(B, E) float32 of length 1, all equal."""
        self.batches.append(batch)
        return np.full((len(batch.rows), self.encoder.dim), self.encoder.dim**-0.5, np.float32)


def run(config: EmbedBenchConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes config.json, metrics.json, report.md and report.html.

    Returns:
        The content of metrics.json.

    Raises:
        CatalogError: the catalog cannot be read, or has no valid row.
        ModelError: no such model.
    """
    encoder = open_encoder(config.model, config.device, bulk=True)
    eager = TorchEncoder.from_pretrained(config.model, config.device)
    out.mkdir(parents=True, exist_ok=True)
    progress("measuring the memory of a process of its own")
    memory = measure_embed_memory(config.catalog, config.model, config.device, config.batch_size)
    progress("warming up")
    idle = _NoModel(encoder)
    embedded = _embed(config, cast(Encoder, idle), out)
    for batch in idle.batches[: encoder.threads]:
        encoder.embed(batch)
    counted = idle.batches[: max(1, COUNTED // config.batch_size)]
    operations = model_flops(eager, counted) / sum(len(batch.rows) for batch in counted)
    rounds = []
    for number in range(1, config.rounds + 1):
        progress("rounds", number - 1, config.rounds)
        rounds.append(_round(config, encoder, eager, idle.batches, out))
    metrics = {
        "listings": embedded.embedded,
        "rejected": embedded.rejected,
        "listings per second": {
            stage: _spread([embedded.embedded / measured.seconds[stage] for measured in rounds])
            for stage in rounds[0].seconds
        },
        "share of the slower": _spread([measured.share for measured in rounds]),
        "engine": encoder.runs_on,
        "precision": encoder.stamp.precision,
        "eager float32, listings per second": _spread([measured.eager for measured in rounds]),
        "operations per listing": operations,
        "matrix side": SIDES[eager.device.type],
        "limit, operations per second": _spread([measured.limit for measured in rounds]),
        "model, operations per second": _spread(
            [operations * embedded.embedded / measured.seconds[MODEL] for measured in rounds]
        ),
        "memory": {"before": memory.before, "peak": memory.peak, "GPU peak": memory.gpu},
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
        return embed_catalog(config.catalog, Path(folder) / "store", encoder, settings, silent)


def _round(
    config: EmbedBenchConfig,
    encoder: Encoder,
    eager: TorchEncoder,
    batches: Sequence[EncoderBatch],
    out: Path,
) -> Round:
    rest = _embed(config, cast(Encoder, _NoModel(encoder)), out).seconds
    started = time.perf_counter()
    with ThreadPoolExecutor(encoder.threads) as workers:
        deque(workers.map(encoder.embed, batches), 0)
    model = time.perf_counter() - started
    whole = _embed(config, encoder, out).seconds
    limit = matrix_flops(eager.device, getattr(torch, encoder.stamp.precision))
    counted = batches[: max(1, COUNTED // config.batch_size)]
    started = time.perf_counter()
    for batch in counted:
        eager.embed(batch, half=False)
    eager_rate = sum(len(batch.rows) for batch in counted) / (time.perf_counter() - started)
    return Round({REST: rest, MODEL: model, TOGETHER: whole}, limit, eager_rate)
