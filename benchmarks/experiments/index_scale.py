"""An index built to a recall, beside the same steps written straight in FAISS.

    python -m itemsearch.benchmarks.experiments.index_scale --rows 1000000 --out RUN [--target-recall 0.95]

Vectors are made as `benchmarks/made_vectors.py` says and kept in RUN/vectors. RUN gets report.md and
metrics.json. Plain FAISS has no like of choosing the parameters, so that the two builds compared are of the
parameters found; the first build's seconds, with choosing ("tune"), are told by stage. CPU seconds, of all
threads, stand beside those of the clock. Queries are asked in turns; the best of either counts.
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
from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.building.choose import Target, memory_bytes
from itemsearch.indexes.building.measure import TIE, RecallQueries
from itemsearch.indexes.building.tune import halves
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.params import SearchParams, Tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

ROUNDS = 5
SELF_ROWS = 8192

Built = TypeVar("Built")


@dataclass(frozen=True, slots=True)
class ScaleConfig:
    """target: of recall, 10 results. device: "cpu" or "cuda", of ours alone; FAISS's is built on the CPU."""

    rows: int
    dim: int
    target: Target
    seed: int
    device: str


def run(config: ScaleConfig, out: Path) -> dict[str, Any]:
    """Returns what RUN/metrics.json holds.

    Raises:
        GateError: the target is not reached.
    """
    source = out / "vectors"
    if not source.exists():
        _note(f"making {config.rows:,} vectors of {config.dim}")
        write_vectors(source, config.rows, config.dim, config.seed)
    shutil.rmtree(out / "index", ignore_errors=True)
    _note("building")
    summary = build_index_folder(source, out / "index", IndexConfig(config.device, target=config.target))
    _note(f"building {summary.spec} again, nothing to choose")
    chosen = IndexConfig(config.device, summary.spec)
    again, ours = _timed(lambda: build_index_folder(source, out / "again", chosen))
    shutil.rmtree(out / "again")
    index = Engine.open(out / "index").ranker.index
    tuning = summary.tuning
    assert tuning is not None, "built to a target"
    _note("building with plain FAISS")
    raw, plain = _timed(lambda: build_raw(source, index.spec.nlist, index.spec.m, out / "raw.faiss"))
    memory = memory_bytes(index.spec, summary.rows, len(index.distinct), summary.dim)
    metrics = {
        "config": asdict(config),
        "spec": summary.spec,
        "tuning": asdict(tuning),
        "build seconds": {"ours": ours[0], "faiss": plain[0]},
        "build CPU seconds": {"ours": ours[1], "faiss": plain[1]},
        "stages": {"chosen": summary.seconds, "ours": again.seconds, "faiss": raw.seconds},
        "bytes per vector": {"index": summary.bytes_per_vector, "with tables of rows": memory / summary.rows},
        **_compare_searches(index, raw, tuning),
        "find themselves": _share_that_find_themselves(index),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(_report(metrics), "utf-8")
    return metrics


def _timed(build: Callable[[], Built]) -> tuple[Built, tuple[float, float]]:
    """What is built, and how many seconds that took: of the clock, of the processors."""
    started, used = time.perf_counter(), time.process_time()
    built = build()
    return built, (time.perf_counter() - started, time.process_time() - used)


def _compare_searches(index: VectorIndex, raw: RawIndex, tuning: Tuning) -> dict[str, Any]:
    _note("searching")
    params, k = tuning.chosen.params, tuning.target.at
    asked = RecallQueries.from_index(index, halves(index)[1], k)

    def ours(queries: Vectors) -> Rows:
        return index.search(queries, k, params)[1]

    def faiss(queries: Vectors) -> Rows:
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
    """Of the rows that plain FAISS found, by the same rule as ours; made vectors are all different."""
    assert len(index.distinct) == len(index.vectors), "a row is not an entry"
    scores = inner_products(asked.vectors, index.vectors, np.ascontiguousarray(rows))
    right = asked.are_right(scores, rows).sum(axis=1)
    return float(np.minimum(right, asked.k).mean() / asked.k)


def _rates(
    ours: Callable[[Vectors], Rows], faiss: Callable[[Vectors], Rows], queries: Vectors, at_once: int
) -> dict[str, float]:
    """Queries per second of both, the best of `ROUNDS`: other programs slow down now one, now the other."""
    best = {"ours": 0.0, "faiss": 0.0}
    for _ in range(ROUNDS):
        for name, search in (("ours", ours), ("faiss", faiss)):
            started = time.perf_counter()
            for start in range(0, len(queries), at_once):
                search(queries[start : start + at_once])
            best[name] = max(best[name], len(queries) / (time.perf_counter() - started))
    return best


def _share_that_find_themselves(index: VectorIndex) -> float:
    """Of all rows asked by their own vectors: they are first, or one that scores the same is."""
    _note("asking every id for itself")
    found = 0
    for start in range(0, len(index.vectors), SELF_ROWS):
        own = np.arange(start, min(start + SELF_ROWS, len(index.vectors)))
        vectors = np.ascontiguousarray(index.vectors[own])
        scores, rows = index.search(vectors, 1)
        itself = inner_products(vectors, index.vectors, own[:, None])
        found += int(((rows == own[:, None]) | (np.abs(scores - itself) <= TIE)).sum())
    return found / len(index.vectors)


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
    taken = metrics["bytes per vector"]
    lines += [
        "",
        f"Bytes per vector: {taken['index']:.1f} in the index, {taken['with tables of rows']:.1f} with the "
        f"tables of rows; float32 takes {4 * config['dim']}. Ids that find themselves: "
        f"{metrics['find themselves']:.4%}.",
        "",
        "| seconds | built to the recall | itemsearch | FAISS |",
        "|---|---|---|---|",
    ]
    stages = metrics["stages"]
    for stage in dict.fromkeys(stage for seconds in stages.values() for stage in seconds):
        cells = (f"{each[stage]:.1f}" if stage in each else "" for each in stages.values())
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
    told = parser.parse_args()
    config = ScaleConfig(told.rows, told.dim, Target(told.target_recall), told.seed, told.device)
    try:
        run(config, told.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    print((told.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
