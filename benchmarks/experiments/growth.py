"""How the costs of embed, build, search, duplicates and match grow with the catalog.

    python -m itemsearch.benchmarks.experiments.growth --out RUN [--sizes 10000 100000 1000000]
        [--embed-sizes 1000 3000 10000] [--steps build search duplicates match]

The catalogs are made (`benchmarks/data/made_listings.py`): families of one to seven siblings that differ in
colour, size or capacity, one product in ten listed again by another seller, seven in ten with a GTIN, a
picture of 96 pixels each. Embeddings of 768 numbers are made too, since the encoder would take hours for a
million; so `embed` is measured by itself at smaller sizes, and nothing is inferred from them. `search` asks
`QUERIES` queries by embedding from a file, `search by id` one query, and `match` matches a feed of `QUERIES`
rows, embedding aside: opening the index is part of all three.

Every step runs in a process of its own: seconds, processor seconds of all threads, and the most memory of
its own, mapped files left out. RUN/growth.json keeps what was measured before, so that sizes can be added. A
slope is that of the logarithms: 1 for a cost in proportion to the rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.made_listings import MadeEncoder
from itemsearch.benchmarks.data.made_store import write_made_store
from itemsearch.benchmarks.experiments.duplicates_scale import ScaleConfig, write_feed
from itemsearch.benchmarks.metrics.child import ChildCost, measure_child
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.reports.plots import save_curves
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.errors import ItemSearchError
from itemsearch.store.manifest import MANIFEST

QUERIES = 1000
EMBED, BUILD, SEARCH, BY_ID, DUPLICATES, MATCH = (
    "embed",
    "build",
    "search",
    "search by id",
    "duplicates",
    "match",
)
STEPS = (BUILD, SEARCH, DUPLICATES, MATCH)
GROWTH = "growth.json"
FIGURES: Sequence[tuple[str, str, Callable[[ChildCost], float]]] = (
    ("seconds", "CPU seconds", lambda cost: cost.cpu_seconds),
    ("memory", "MB of its own", lambda cost: cost.own_bytes / 1e6),
)
"""Plotted: file, label, figure."""

Costs = dict[str, dict[int, ChildCost]]
"""By step and rows."""


@dataclass(frozen=True, slots=True)
class GrowthConfig:
    """sizes: rows of the indexes. embed_sizes: rows of the catalogs that are embedded. steps: of `STEPS`."""

    sizes: tuple[int, ...]
    embed_sizes: tuple[int, ...]
    steps: tuple[str, ...]
    seed: int = 0


def run(config: GrowthConfig, out: Path) -> Costs:
    """Measures, and writes growth.json, report.md and plots; returns what has been measured so far.

    Raises:
        subprocess.CalledProcessError: a command failed and has printed its error.
    """
    out.mkdir(parents=True, exist_ok=True)
    costs = read_costs(out / GROWTH)
    for rows in config.embed_sizes:
        _keep(costs, EMBED, rows, embed_cost(out, rows, config.seed), out)
    for rows in config.sizes:
        for step in config.steps:
            for name, cost in step_costs(step, out / str(rows), rows, config.seed).items():
                _keep(costs, name, rows, cost, out)
    return costs


def _keep(costs: Costs, step: str, rows: int, cost: ChildCost, out: Path) -> None:
    """Writes all anew after each step, so that a run that is stopped has its figures."""
    print(f"{step} of {rows:,}: {cost.seconds:,.1f} s, {cost.cpu_seconds:,.1f} CPU s", file=sys.stderr)
    costs.setdefault(step, {})[rows] = cost
    named = {
        step: {str(rows): asdict(cost) for rows, cost in by_rows.items()} for step, by_rows in costs.items()
    }
    (out / GROWTH).write_text(json.dumps(named, indent=1), "utf-8")
    (out / "report.md").write_text("\n".join(markdown_table(growth_table(costs))) + "\n", "utf-8")
    for name, label, of in FIGURES:
        curves = {
            step: (np.array(sorted(by_rows)), np.array([of(by_rows[rows]) for rows in sorted(by_rows)]))
            for step, by_rows in costs.items()
        }
        save_curves(out / "plots" / name, curves, ("rows", label), "o", log=True, log_x=True)


def read_costs(path: Path) -> Costs:
    if not path.exists():
        return {}
    named: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text("utf-8"))
    return {
        step: {int(rows): ChildCost(**cost) for rows, cost in by_rows.items()}  # type: ignore[arg-type]
        for step, by_rows in named.items()
    }


def embed_cost(out: Path, rows: int, seed: int) -> ChildCost:
    """Of `itemsearch embed` with the shipped weights; the catalog is in one Parquet file."""
    catalog, store = out / f"catalog-{rows}.parquet", out / f"embedded-{rows}"
    write_feed(catalog, ScaleConfig(rows, (), seed), rows)
    shutil.rmtree(store, ignore_errors=True)
    cost = _measure("itemsearch", "embed", catalog, "--out", store)
    shutil.rmtree(store)
    return cost


def step_costs(step: str, folder: Path, rows: int, seed: int) -> Mapping[str, ChildCost]:
    """Of one step at one size, by name; makes the store and the feed that it needs, unless they are there."""
    store, index, feed = folder / "store", folder / "index", folder / "feed.parquet"
    scale = ScaleConfig(rows, (QUERIES,), seed)
    if not (store / MANIFEST).exists():
        write_made_store(store, rows, seed)
    if not feed.exists():
        write_feed(feed, scale, QUERIES)
        write_queries(folder / "queries.parquet", feed, seed)
    if step == BUILD or not index.exists():
        shutil.rmtree(index, ignore_errors=True)
        built = _measure("itemsearch", "index", "build", store, "--out", index)
        if step == BUILD:
            return {BUILD: built}
    if step == SEARCH:
        found, queries = folder / "found.parquet", folder / "queries.parquet"
        found.unlink(missing_ok=True)
        by_file = _measure("itemsearch", "search", index, "--queries", queries, "--out", found)
        return {SEARCH: by_file, BY_ID: _measure("itemsearch", "search", index, "--id", "0000001-0")}
    if step == DUPLICATES:
        shutil.rmtree(folder / "duplicates", ignore_errors=True)
        return {DUPLICATES: _measure("itemsearch", "duplicates", index, "--out", folder / "duplicates")}
    module = "itemsearch.benchmarks.experiments.match_made"
    return {MATCH: _measure(module, index, feed, "--out", folder / "matches.parquet")}


def write_queries(path: Path, feed: Path, seed: int) -> None:
    """The feed's listings as queries with an embedding, as the made encoder embeds them."""
    encoder = MadeEncoder(seed)
    items = [item for batch in open_catalog(CatalogConfig(str(feed))).batches() for item in batch.items]
    images: list[Image.Image | None] = [item.image for item in items]
    vectors = encoder.encode([item.title for item in items], images)
    embeddings = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), encoder.dim)
    pq.write_table(pa.table({"query_id": [item.id for item in items], "embedding": embeddings}), path)


def slope(by_rows: Mapping[int, float]) -> float:
    """The slope of the line through the logarithms of rows and cost; NaN of a single size."""
    if len(by_rows) < 2:
        return float("nan")
    return float(np.polyfit(np.log(list(by_rows)), np.log(list(by_rows.values())), 1)[0])


def growth_table(costs: Costs) -> ReportTable:
    """A row for each step and size; slopes stand beside the largest."""
    head = ["step", "rows", "seconds", "CPU seconds", "MB of its own", "slope of CPU seconds", "of memory"]
    rows = []
    for step, by_rows in costs.items():
        slopes = [slope({size: of(cost) for size, cost in by_rows.items()}) for _, _, of in FIGURES]
        for size, cost in sorted(by_rows.items()):
            cells = [f"{size:,}", f"{cost.seconds:,.1f}", *(f"{of(cost):,.1f}" for _, _, of in FIGURES)]
            last = len(by_rows) > 1 and size == max(by_rows)
            rows.append([step, *cells, *(f"{each:.2f}" if last else "" for each in slopes)])
    return ReportTable(head, rows)


def _measure(module: str, *arguments: str | Path) -> ChildCost:
    return measure_child([sys.executable, "-m", module, *map(str, arguments)])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.growth")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--embed-sizes", type=int, nargs="*", default=[1000, 3000, 10_000])
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=list(STEPS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    config = GrowthConfig(tuple(chosen.sizes), tuple(chosen.embed_sizes), tuple(chosen.steps), chosen.seed)
    try:
        run(config, chosen.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    print((chosen.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
