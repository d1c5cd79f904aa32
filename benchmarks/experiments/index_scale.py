"""An index built to a target recall, compared with the same steps in FAISS directly.

    python -m itemsearch.benchmarks.experiments.index_scale --rows 1000000 --out RUN [--target-recall 0.95]

Synthetic vectors (`benchmarks/data/synthetic_vectors.py`) are written into RUN/vectors, report.md and
metrics.json into RUN. FAISS does not choose parameters, so that the two compared builds use those that the
first build chose; the seconds of the first build, with the choice ("tune"), are reported by stage. CPU
seconds are of all threads. Both indexes are searched in turns, and the best round of each counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from itemsearch.benchmarks.data.synthetic_vectors import write_vectors
from itemsearch.benchmarks.methods.raw_faiss import RawIndex, build_raw, search_raw
from itemsearch.errors import ItemSearchError
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.building.choose import memory_bytes
from itemsearch.indexes.building.measure import TIE, RecallQueries
from itemsearch.indexes.building.tune import halves
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.params import SearchParams, Tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.types import Target
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

ROUNDS = 5
SELF_ROWS = 8192

Built = TypeVar("Built")


@dataclass(frozen=True, slots=True)
class ScaleConfig:
    """target: the recall@10 to reach. device: of our build, "cpu" or "cuda"; FAISS builds on the CPU."""

    rows: int
    dim: int
    target: Target
    seed: int
    device: str


def run(config: ScaleConfig, out: Path) -> dict[str, Any]:
    """Runs the experiment; returns the content of RUN/metrics.json.

    Raises:
        GateError: the target is not reached.
    """
    source = out / "vectors"
    if not source.exists():
        _note(f"writing {config.rows:,} vectors of {config.dim}")
        write_vectors(source, config.rows, config.dim, config.seed)
    shutil.rmtree(out / "index", ignore_errors=True)
    _note("building")
    summary = build_index_folder(source, out / "index", IndexConfig(config.device, target=config.target))
    _note(f"building {summary.spec} again with the chosen parameters")
    chosen = IndexConfig(config.device, summary.spec)
    again, ours_seconds = _timed(lambda: build_index_folder(source, out / "again", chosen))
    shutil.rmtree(out / "again")
    index = Engine.open(out / "index").index
    tuning = summary.tuning
    assert tuning is not None, "the index was built to a target"
    _note("building with FAISS")
    raw, faiss_seconds = _timed(lambda: build_raw(source, index.spec.nlist, index.spec.m, out / "raw.faiss"))
    memory = memory_bytes(index.spec, summary.rows, len(index.distinct), summary.dim)
    metrics = {
        "config": asdict(config),
        "spec": summary.spec,
        "tuning": asdict(tuning),
        "build seconds": {"ours": ours_seconds[0], "faiss": faiss_seconds[0]},
        "build CPU seconds": {"ours": ours_seconds[1], "faiss": faiss_seconds[1]},
        "stages": {"chosen": summary.seconds, "ours": again.seconds, "faiss": raw.seconds},
        "bytes per vector": {"index": summary.bytes_per_vector, "with tables of rows": memory / summary.rows},
        **_compare_searches(index, raw, tuning),
        "find themselves": _share_that_find_themselves(index),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(_report(metrics), "utf-8")
    return metrics


def _timed(build: Callable[[], Built]) -> tuple[Built, tuple[float, float]]:
    """The result of `build`, its wall-clock seconds and its CPU seconds."""
    started, used = time.perf_counter(), time.process_time()
    built = build()
    return built, (time.perf_counter() - started, time.process_time() - used)


def _compare_searches(index: VectorIndex, raw: RawIndex, tuning: Tuning) -> dict[str, Any]:
    _note("searching")
    params, k = tuning.chosen.params, tuning.target.at
    asked = RecallQueries.from_index(index, halves(index)[1], k)

    def ours(queries: Floats) -> Rows:
        return index.search(queries, k, params)[1]

    def faiss(queries: Floats) -> Rows:
        return search_raw(raw, queries, k, *_pair(params))

    return {
        "recall": {
            "ours": tuning.chosen.recall,
            "faiss": _recall(index, asked, search_raw(raw, asked.vectors, k + 1, *_pair(params))),
        },
        "queries per second": _rates(ours, faiss, asked.vectors, len(asked)),
        "one at a time": _rates(ours, faiss, asked.vectors[:200], 1),
    }


def _pair(params: SearchParams) -> tuple[int, int]:
    return params.nprobe, params.candidates


def _recall(index: VectorIndex, asked: RecallQueries, rows: Rows) -> float:
    """Recall of the rows that FAISS found, by the same rule as ours; synthetic vectors are all distinct."""
    assert len(index.distinct) == len(index.vectors), "a row is not an entry"
    scores = inner_products(asked.vectors, index.vectors, np.ascontiguousarray(rows))
    right = asked.are_right(scores, rows).sum(axis=1)
    return float(np.minimum(right, asked.k).mean() / asked.k)


def _rates(
    ours: Callable[[Floats], Rows], faiss: Callable[[Floats], Rows], queries: Floats, at_once: int
) -> dict[str, float]:
    """Queries per second of both indexes, the best of `ROUNDS`, as other programs slow down rounds."""
    best = {"ours": 0.0, "faiss": 0.0}
    for _ in range(ROUNDS):
        for name, search in (("ours", ours), ("faiss", faiss)):
            started = time.perf_counter()
            for start in range(0, len(queries), at_once):
                search(queries[start : start + at_once])
            best[name] = max(best[name], len(queries) / (time.perf_counter() - started))
    return best


def _share_that_find_themselves(index: VectorIndex) -> float:
    """The share of rows whose own vector finds them first, or finds a row of the same score first."""
    _note("searching every row by its own vector")
    hits = 0
    for start in range(0, len(index.vectors), SELF_ROWS):
        own = np.arange(start, min(start + SELF_ROWS, len(index.vectors)))
        vectors = np.ascontiguousarray(index.vectors[own])
        scores, rows = index.search(vectors, 1)
        itself = inner_products(vectors, index.vectors, own[:, None])
        hits += int(((rows == own[:, None]) | (np.abs(scores - itself) <= TIE)).sum())
    return hits / len(index.vectors)


def _report(metrics: dict[str, Any]) -> str:
    config, chosen = metrics["config"], metrics["tuning"]["chosen"]
    head = (
        f"{config['rows']:,} vectors of {config['dim']} (seed {config['seed']}), {metrics['spec']}, nprobe "
        f"{chosen['params']['nprobe']}, {chosen['params']['candidates']} candidates ranked exactly."
    )
    lines = [head, "", "| | itemsearch | FAISS | ratio |", "|---|---|---|---|"]
    for name in ("build seconds", "build CPU seconds", "recall", "queries per second", "one at a time"):
        ours, faiss = metrics[name]["ours"], metrics[name]["faiss"]
        lines.append(f"| {name} | {ours:,.4g} | {faiss:,.4g} | {ours / faiss:.3f} |")
    sizes = metrics["bytes per vector"]
    lines += [
        "",
        f"Bytes per vector: {sizes['index']:.1f} in the index, {sizes['with tables of rows']:.1f} with the "
        f"tables of rows; float32 takes {4 * config['dim']}. Ids that find themselves: "
        f"{metrics['find themselves']:.4%}.",
        "",
        "| seconds | built to the target | itemsearch | FAISS |",
        "|---|---|---|---|",
    ]
    stages = metrics["stages"]
    for stage in dict.fromkeys(stage for seconds in stages.values() for stage in seconds):
        cells = (f"{seconds[stage]:.1f}" if stage in seconds else "" for seconds in stages.values())
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.index_scale")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--target-recall", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    config = ScaleConfig(
        arguments.rows, arguments.dim, Target(arguments.target_recall), arguments.seed, arguments.device
    )
    try:
        run(config, arguments.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    print((arguments.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
