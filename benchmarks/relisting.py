"""The paper's first task: find the same product among extremely similar ones.

    python -m benchmarks.relisting CATALOG --out RUN [--model M] [--seed S]

Lists every product of a catalog again (`benchmarks.relist`), asks the engine for each, and the usual means
too. RUN then holds the store, the index, queries.parquet, results.parquet, metrics.json and report.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from benchmarks.baselines import embed_baselines
from benchmarks.metrics import MISSING, Interval, ranks_from_scores, recall_at
from benchmarks.relist import write_relisted
from itemsearch.catalog import CatalogConfig, read_catalog, read_queries
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ProductEncoder
from itemsearch.search.batch import search_file
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine

KS = (1, 5, 10)
Ranks = npt.NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relisting", description=__doc__)
    parser.add_argument("catalog")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(CatalogConfig(arguments.catalog), arguments.out, arguments.model, arguments.seed)


def run(catalog: CatalogConfig, out: Path, model: str, seed: int) -> Mapping[str, Ranks]:
    """Ranks of the expected product, from 1, by method; writes all that is said above."""
    out.mkdir(parents=True, exist_ok=True)
    queries = out / "queries.parquet"
    write_relisted(catalog, queries, seed)
    encoder = ProductEncoder.from_pretrained(model)
    report = embed_catalog(catalog, out / "store", encoder, EmbedConfig(), _tell("embedded"))
    build_index_folder(out / "store", out / "index")
    engine = Engine.open(out / "index")
    results = out / "results.parquet"
    search_file(engine, str(queries), results, max(KS), -1.0, lambda reject: None, _tell("answered"))
    ranks = {f"itemsearch ({model})": engine_ranks(results, queries), **baseline_ranks(catalog, queries)}
    metrics = {method: {f"recall@{k}": asdict(recall_at(of, k)) for k in KS} for method, of in ranks.items()}
    facts = {"catalog": catalog.path, "seed": seed, "gallery": report.embedded, "model": encoder.fingerprint}
    (out / "metrics.json").write_text(json.dumps({**facts, "methods": metrics}, indent=1))
    (out / "report.md").write_text(markdown(ranks, report.embedded))
    print((out / "report.md").read_text())
    return ranks


def engine_ranks(results: Path, queries: Path) -> Ranks:
    """(Q,) from a results file; `MISSING` where the expected product is not among the results."""
    found = pq.read_table(results).to_pylist()
    rank = {(row["query_id"], row["id"]): row["rank"] for row in found}
    asked = pq.read_table(queries, columns=["query_id", "expected_id"]).to_pylist()
    return np.array([rank.get((row["query_id"], row["expected_id"]), MISSING) for row in asked])


def baseline_ranks(catalog: CatalogConfig, queries: Path) -> Mapping[str, Ranks]:
    """(Q,) for each baseline, by exact cosine over the whole gallery."""
    products = [product for batch in read_catalog(catalog) for product in batch.products]
    row = {product.id: place for place, product in enumerate(products)}
    asked = [query for batch in read_queries(str(queries)) for query in batch.queries]
    expected = np.array([row[query.id.removesuffix(":relisted")] for query in asked])
    gallery = embed_baselines([p.title for p in products], [p.image for p in products])
    relisted = embed_baselines([q.title for q in asked], [q.image for q in asked])
    return {name: ranks_from_scores(relisted[name], gallery[name], expected) for name in gallery}


def markdown(ranks: Mapping[str, Ranks], gallery: int) -> str:
    """A table: a row a method, recall@k with its 95% interval."""

    def cell(interval: Interval) -> str:
        return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"

    queries = len(next(iter(ranks.values())))
    head = f"{queries:,} relisted products, each to be found among {gallery:,}.\n"
    lines = [f"| method | {' | '.join(f'recall@{k}' for k in KS)} |", f"|---|{'---|' * len(KS)}"]
    for method, of in ranks.items():
        lines.append(f"| {method} | {' | '.join(cell(recall_at(of, k)) for k in KS)} |")
    return "\n".join([head, *lines, ""])


def _tell(verb: str) -> Callable[..., None]:
    def tell(rows: int, *_: int) -> None:
        print(f"{rows:,} {verb}", end="\r", file=sys.stderr)

    return tell


if __name__ == "__main__":
    main()
