"""Whether the encoder's engines find alike: recall@1 of the joint cosine, the same weights in each.

    python -m itemsearch.benchmarks.experiments.engines CATALOG QUERIES --out RUN [--query-column title=name]

QUERIES has a column expected_id, as for `itemsearch benchmark retrieval`. Each engine embeds catalog and
queries; cosines are those of one listing's embedding to that of torch in float32. RUN gets engines.json, and
the table is printed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from itemsearch.benchmarks.data.tasks import Task, TitlesAndImages, queries_task
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.embed.openvino_encoder import OpenVINOEncoder
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.indexes.arrays import Vectors

BATCH = 32
REFERENCE = "torch, float32"


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """recall: recall@1 of the queries. least_cosine, mean_cosine: to the reference, of all that was embedded.
    rate: listings and queries a second by the bare model, prepared before."""

    engine: str
    recall: float
    least_cosine: float
    mean_cosine: float
    rate: float


def compare(catalog: str, queries: str, columns: dict[str, str], model: str) -> list[EngineFigures]:
    """Figures of each engine, the reference first.

    Raises:
        CatalogError: the catalog or the queries cannot be read.
        ModelError: no such model.
    """
    with tempfile.TemporaryDirectory() as folder:
        batches = list(open_catalog(CatalogConfig(catalog)).batches())
        task = queries_task(batches, queries, columns, Path(folder) / "queries.parquet")
    eager = TorchEncoder.from_pretrained(model, "cpu")
    openvino = [OpenVINOEncoder.from_pretrained(model, precision) for precision in ("float32", "bfloat16")]
    engines: dict[str, Callable[[EncoderBatch], Vectors]] = {
        REFERENCE: lambda batch: eager.embed(batch, half=False),
        f"torch, {eager.precision}": eager.embed,
        **{f"OpenVINO, {each.precision}": each.embed for each in openvino},
    }
    both = [TitlesAndImages.of(task.listings), task.queries]
    prepared = [list(eager.prepare(each.titles, each.images, BATCH)) for each in both]
    embedded = {name: [_embed(each, embed) for each in prepared] for name, embed in engines.items()}
    reference = np.concatenate([vectors for vectors, _ in embedded[REFERENCE]])
    figures = []
    for name, ((gallery, gallery_seconds), (asked, asked_seconds)) in embedded.items():
        cosines = (np.concatenate([gallery, asked]) * reference).sum(axis=1)
        rate = len(cosines) / (gallery_seconds + asked_seconds)
        recall = _recall(task, gallery, asked)
        figures.append(EngineFigures(name, recall, float(cosines.min()), float(cosines.mean()), rate))
    return figures


def _embed(
    batches: Sequence[EncoderBatch], embed: Callable[[EncoderBatch], Vectors]
) -> tuple[Vectors, float]:
    """(N, E) embeddings of all batches, and the seconds that they took."""
    started = time.perf_counter()
    parts = [embed(batch) for batch in batches]
    seconds = time.perf_counter() - started
    vectors = np.concatenate(parts)
    vectors[np.concatenate([batch.rows for batch in batches])] = vectors.copy()
    return vectors, seconds


def _recall(task: Task, gallery: Vectors, asked: Vectors) -> float:
    nearest = (asked @ gallery.T).argmax(axis=1)
    return float(np.mean([row in right for row, right in zip(nearest, task.right, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.engines")
    parser.add_argument("catalog")
    parser.add_argument("queries")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--query-column", action="append", default=[], metavar="ROLE=NAME")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    columns = dict(each.split("=", 1) for each in arguments.query_column)
    figures = compare(arguments.catalog, arguments.queries, columns, arguments.model)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "engines.json").write_text(json.dumps([asdict(each) for each in figures], indent=1))
    slowest = figures[0].rate
    rows = []
    for each in figures:
        cosines = [f"{each.least_cosine:.5f}", f"{each.mean_cosine:.6f}"]
        rates = [f"{each.rate:.1f}", f"{each.rate / slowest:.2f}"]
        rows.append([each.engine, f"{each.recall:.4f}", *cosines, *rates])
    head = ["engine", "recall@1", "least cosine", "mean cosine", "a second", "times the first"]
    print("\n".join(markdown_table(ReportTable(head, rows))))


if __name__ == "__main__":
    main()
