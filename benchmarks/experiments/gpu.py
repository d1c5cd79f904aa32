"""What a GPU gives: the encoder by number format and batch, overlapped copies, and FAISS on the device.

    python -m itemsearch.benchmarks.experiments.gpu --out RUN [--rows 1000000] [--device cpu]

The model takes listings of the fullest kind (longest titles, all with a picture). `one by one` copies a
batch, waits for its embeddings and copies the next; `overlapped` is what `itemsearch embed` does. Vectors for
FAISS are synthetic (`benchmarks/data/synthetic_vectors.py`); recall@10 is by code alone, without exact
re-ranking, so that both devices do the same work. Figures are medians of `--rounds`, the ways in turns.
Without a GPU this ends with a line that says so; `--device cpu` runs a small version of what a CPU can do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from itemsearch.benchmarks.data.synthetic_vectors import write_vectors
from itemsearch.benchmarks.data.vector_files import VectorSet, read_vector_set
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.runs.index import nearest_scores, recalls
from itemsearch.embed.device_copies import BatchTensors
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import ItemSearchError
from itemsearch.indexes.building.choose import choose_spec
from itemsearch.indexes.building.from_tensors import index_tensors, search_tensors
from itemsearch.model.device import describe_device, resolve_device

K = 10
DIM = 384
MOST_QUERIES = 10_000
NOT_ON = {"cpu": torch.float16}
"""A number format that a device computes, but not in its matrix units."""


@dataclass(frozen=True, slots=True)
class GpuConfig:
    """rows: vectors that FAISS indexes. batches: how many go through the copies. rounds: of each figure."""

    device: str
    model: str = DEFAULT_MODEL
    rows: int = 1_000_000
    batches: int = 32
    rounds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FaissFigures:
    """Of one device. build: seconds to train and add. rate: queries a second, all in one call. recall: the
    k-recall@k, k = `K`."""

    device: str
    build: float
    rate: float
    recall: float


def run(config: GpuConfig, out: Path) -> dict[str, Any]:
    """Measures; returns what RUN/gpu.json holds.

    Raises:
        UsageError: there is no such device.
        ModelError: no such model, or no memory for a few listings.
    """
    device = resolve_device(config.device)
    encoder = TorchEncoder.from_pretrained(config.model, config.device)
    spec = choose_spec(config.rows, DIM)
    metrics = {
        "config": asdict(config),
        "device": describe_device(device),
        "largest batch": encoder.batch_size,
        "encoder": encoder_rates(encoder, config),
        "copies": copy_rates(encoder, config),
        "spec": spec.factory,
        "faiss": [asdict(each) for each in faiss_figures(device, config)],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "gpu.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(report(metrics), "utf-8")
    return metrics


def encoder_rates(encoder: TorchEncoder, config: GpuConfig) -> dict[str, dict[int, float]]:
    """Listings a second of the bare model, by number format and listings at a time, on tensors that are on
    the device."""
    sizes = [size for size in (8, 32, 128, 512) if size <= encoder.batch_size]
    rates: dict[str, dict[int, float]] = {}
    for size in sizes:
        tensors = BatchTensors.of(encoder.fullest(size)).each(lambda tensor: tensor.to(encoder.device))
        ways = {
            name: partial(_pass, encoder, tensors, number_format)
            for name, number_format in _formats(encoder.device).items()
        }
        for name, seconds in in_turns(ways, config.rounds, encoder.device).items():
            rates.setdefault(name, {})[size] = size / seconds
    return rates


def _formats(device: torch.device) -> dict[str, torch.dtype | None]:
    formats = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return {name: each for name, each in formats.items() if each is None or each != NOT_ON.get(device.type)}


@torch.inference_mode()
def _pass(encoder: TorchEncoder, tensors: BatchTensors, number_format: torch.dtype | None) -> None:
    with torch.autocast(encoder.device.type, number_format, enabled=number_format is not None):
        encoder.model(tensors.model_input())


def copy_rates(encoder: TorchEncoder, config: GpuConfig) -> dict[str, float]:
    """Listings a second from prepared arrays on the host to embeddings on the host."""
    size = encoder.batch_size
    batches = [encoder.fullest(size) for _ in range(config.batches)]
    ways: Mapping[str, Callable[[], object]] = {
        "one by one": lambda: [encoder.embed(batch) for batch in batches],
        "overlapped": lambda: list(encoder.embed_many(batches)),
    }
    return {
        name: size * len(batches) / seconds
        for name, seconds in in_turns(ways, config.rounds, encoder.device).items()
    }


def faiss_figures(device: torch.device, config: GpuConfig) -> list[FaissFigures]:
    """IVF-PQ on the CPU, and on the GPU from tensors that are there, as the encoder leaves them."""
    with tempfile.TemporaryDirectory() as folder:
        write_vectors(Path(folder) / "vectors", config.rows, DIM, config.seed)
        vectors = read_vector_set(Path(folder) / "vectors", None, MOST_QUERIES, config.seed)
    truth = nearest_scores(vectors, K)
    devices = [torch.device("cpu"), *([device] if device.type == "cuda" else [])]
    return [_faiss(each, vectors, truth, config) for each in devices]


def _faiss(device: torch.device, vectors: VectorSet, truth: Any, config: GpuConfig) -> FaissFigures:
    spec = choose_spec(config.rows, DIM)
    base, queries = (torch.from_numpy(each).to(device) for each in (vectors.base, vectors.queries))
    _wait(device)
    started = time.perf_counter()
    index = index_tensors(base, spec, config.seed)
    _wait(device)
    build = time.perf_counter() - started
    found: list[Tensor] = []

    def search() -> None:
        found[:] = search_tensors(index, queries, K, spec.nprobe)[1:]

    seconds = in_turns({"search": search}, config.rounds, device)["search"]
    rows = np.ascontiguousarray(found[0].cpu().numpy())
    recall = float(recalls(rows, truth, vectors)[0].mean())
    return FaissFigures(device.type, build, len(queries) / seconds, recall)


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each way, run by turns after one turn to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            _wait(device)
            started = time.perf_counter()
            way()
            _wait(device)
            if number:
                seconds[name].append(time.perf_counter() - started)
    return {name: median(each) for name, each in seconds.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def report(metrics: Mapping[str, Any]) -> str:
    config, rates = metrics["config"], metrics["encoder"]
    sizes: Sequence[int] = list(next(iter(rates.values())))
    encoder = ReportTable(
        ["listings a second", *(f"{size} at a time" for size in sizes)],
        [[name, *(f"{each[size]:,.0f}" for size in sizes)] for name, each in rates.items()],
    )
    copies = ReportTable(
        ["copies", "listings a second"], [[name, f"{rate:,.0f}"] for name, rate in metrics["copies"].items()]
    )
    faiss = ReportTable(
        ["FAISS", "build seconds", "queries a second", "recall@10 by code"],
        [
            [each["device"], f"{each['build']:.1f}", f"{each['rate']:,.0f}", f"{each['recall']:.3f}"]
            for each in metrics["faiss"]
        ],
    )
    head = f"{metrics['device']}; {metrics['largest batch']} listings at a time are embedded."
    middle = f"{config['rows']:,} vectors of {DIM}, {metrics['spec']}:"
    blocks = [
        [head],
        markdown_table(encoder),
        markdown_table(copies),
        [middle],
        markdown_table(faiss),
    ]
    return "\n\n".join("\n".join(block).strip() for block in blocks) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.gpu")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rows", type=int, help="vectors of FAISS; default 1000000, on a CPU 20000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    small = arguments.device == "cpu"
    rows = arguments.rows or (20_000 if small else 1_000_000)
    batches = 2 if small else 32
    config = GpuConfig(arguments.device, arguments.model, rows, batches, arguments.rounds)
    try:
        run(config, arguments.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    print((arguments.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
