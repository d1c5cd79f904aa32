"""What an index loses by exact vectors in float16: recall and order, beside those of float32.

    python -m itemsearch.benchmarks.experiments.half_precision STORE TRUTH.csv --out RUN [--queries 1000]

TRUTH.csv has a pair of ids of one product in each row, under any names. Two indexes are built over the store,
in RUN/float32 and RUN/float16. Listings of the truth are searched by id in both, ranked as `itemsearch
search` does; recall@k is the share that finds one of its own product among the first k. RUN gets
metrics.json.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

K = 10


def run(store: Path, truth: Path, out: Path, queries: int, seed: int) -> dict[str, Any]:
    """Runs the experiment; returns the content of RUN/metrics.json."""
    right = _partners(truth)
    found: dict[str, list[list[str]]] = {}
    asked: list[str] = []
    for dtype in ("float32", "float16"):
        build_index_folder(store, out / dtype, IndexConfig(dtype=dtype))
        engine = Engine.open(out / dtype)
        if not asked:
            held = sorted(set(right) & set(engine.listings["id"].to_pylist()))
            count = min(queries, len(held))
            asked = np.random.default_rng(seed).choice(held, count, replace=False).tolist()
        results = engine.search_rows([engine.row_of(id) for id in asked], K)
        found[dtype] = [[hit.id for hit in result.hits] for result in results]
    pairs = list(zip(found["float32"], found["float16"], strict=True))
    metrics = {
        "store": store.name,
        "queries": len(asked),
        **{
            f"recall@{k}": {name: _recall(asked, hits, right, k) for name, hits in found.items()}
            for k in (1, K)
        },
        "first alike": float(np.mean([one[:1] == other[:1] for one, other in pairs])),
        "ten alike": float(np.mean([set(one) == set(other) for one, other in pairs])),
        "order alike": float(np.mean([one == other for one, other in pairs])),
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    return metrics


def _partners(truth: Path) -> dict[str, set[str]]:
    """The listings of the same product, by id."""
    partners: dict[str, set[str]] = defaultdict(set)
    with truth.open(newline="", encoding="utf-8") as file:
        for one, other, *_ in list(csv.reader(file))[1:]:
            partners[one].add(other)
            partners[other].add(one)
    return partners


def _recall(asked: list[str], found: list[list[str]], right: dict[str, set[str]], k: int) -> float:
    return float(np.mean([bool(right[id] & set(hits[:k])) for id, hits in zip(asked, found, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.half_precision")
    parser.add_argument("store", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    metrics = run(arguments.store, arguments.truth, arguments.out, arguments.queries, arguments.seed)
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    main()
