"""The indexes of `rivals`: queries a second at equal recall, on the same vectors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.data.vector_files import VectorSet, read_vector_set
from itemsearch.benchmarks.methods.other_indexes import IndexMethod, build_indexes
from itemsearch.benchmarks.metrics.turns import Rate, rate_cells, rates
from itemsearch.benchmarks.reports.page import ReportTable
from itemsearch.benchmarks.runs.index import nearest_scores, recalls
from itemsearch.indexes.arrays import Floats

RECALL, K = 0.95, 10
MOST_QUERIES = 1000
ALONE = 200
"""Queries that are asked one at a time."""
MOST_EFFORT = 4096
COMPARED = (OURS, "FAISS HNSW", "usearch HNSW")


@dataclass(frozen=True, slots=True)
class IndexRates:
    """effort: nprobe or efSearch. batch, alone: queries in one call, and one at a time."""

    effort: int
    recall: float
    build_seconds: float
    bytes_per_vector: float
    batch: Rate
    alone: Rate


def index_rates(source: Path, rounds: int, out: Path) -> list[IndexRates]:
    """Of the indexes that reach `RECALL`, each at its least effort."""
    vectors = read_vector_set(source, None, MOST_QUERIES, seed=0)
    truth = nearest_scores(vectors, K)
    folder = out / "index"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    built = {each.name: each for each in build_indexes(vectors.base, folder, 0) if each.name in COMPARED}
    efforts = {name: least_effort(index, vectors, truth) for name, index in built.items()}
    reached = {name: effort for name, effort in efforts.items() if effort}
    queries = vectors.queries

    def at_once(name: str, number: int) -> None:
        built[name].search(queries, K, reached[name])

    def one_by_one(name: str, number: int) -> None:
        for row in range(ALONE):
            built[name].search(queries[row : row + 1], K, reached[name])

    names = {name: name for name in reached}
    batch = rates(names, at_once, len(queries), rounds)
    alone = rates(names, one_by_one, ALONE, rounds)
    return [
        IndexRates(
            reached[one.method],
            _recall(built[one.method], reached[one.method], vectors, truth),
            built[one.method].seconds,
            built[one.method].bytes_per_vector,
            one,
            other,
        )
        for one, other in zip(batch, alone, strict=True)
    ]


def least_effort(index: IndexMethod, vectors: VectorSet, truth: Floats) -> int:
    """The least effort that reaches `RECALL`, by doubling and then by halving; 0 if none does."""
    high = 1
    while _recall(index, high, vectors, truth) < RECALL:
        high *= 2
        if high > MOST_EFFORT:
            return 0
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if _recall(index, middle, vectors, truth) < RECALL:
            low = middle
        else:
            high = middle
    return high


def _recall(index: IndexMethod, effort: int, vectors: VectorSet, truth: Floats) -> float:
    return float(recalls(index.search(vectors.queries, K, effort), truth, vectors)[0].mean())


def index_table(found: Sequence[Mapping[str, Any]]) -> ReportTable:
    head = ["index", "effort", "recall@10", "build seconds", "bytes a vector"]
    head += [
        f"{name}: {figure}" for name in ("batch", "alone") for figure in ("a second", "times ours", "CPU ms")
    ]
    rows = [
        [
            *(each["batch"]["method"], str(each["effort"]), f"{each['recall']:.3f}"),
            *(f"{each['build_seconds']:.1f}", f"{each['bytes_per_vector']:,.0f}"),
            *rate_cells(each["batch"]),
            *rate_cells(each["alone"]),
        ]
        for each in found
    ]
    return ReportTable(head, rows)
