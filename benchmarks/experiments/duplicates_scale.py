"""The cost of `duplicates` and of `match` in a large shop of made listings.

    python -m itemsearch.benchmarks.experiments.duplicates_scale --rows 1000000 --out RUN [--feed 10000 40000]

RUN gets a store and an index of made listings (`benchmarks/data/made_listings.py`), kept for the next run,
then report.md and metrics.json of `itemsearch duplicates`, and of matching feeds of so many rows, of which
three in ten list a listing of the index again. Each command runs in a process of its own. CPU seconds are of
all threads, and do not depend on other programs. The made embeddings take no model, so that feeds are matched
by `match_made`; what embedding them costs is `itemsearch benchmark embed`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.made_listings import (
    CARRIED,
    MOST_SIBLINGS,
    PARTS,
    MadeEncoder,
    MadeListing,
    made_family,
    made_listings,
    relisted,
)
from itemsearch.benchmarks.metrics.child import ChildCost, measure_child
from itemsearch.embed.model_folder import SHIPPED_WEIGHTS
from itemsearch.errors import ItemSearchError
from itemsearch.ranking.ranking import read_ranking
from itemsearch.search.build import build_index_folder
from itemsearch.store.manifest import MANIFEST, ModelStamp
from itemsearch.store.schema import StoredPictures
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing

BLOCK = 4096
KNOWN = 0.3
"""The share of a feed's rows that list a listing of the index again."""
FEED_SCHEMA = pa.schema([("id", pa.string()), ("title", pa.string()), ("image", pa.binary()), *CARRIED])
MOST_OF_FAMILY = 2 * MOST_SIBLINGS
NEW_FAMILY = 5_000_000
"""Families from this number on are in no index."""


@dataclass(frozen=True, slots=True)
class ScaleConfig:
    """rows: of the index. feeds: how many rows each feed has."""

    rows: int
    feeds: tuple[int, ...]
    seed: int


def run(config: ScaleConfig, out: Path) -> dict[str, Any]:
    """Runs the experiment; returns the content of RUN/metrics.json.

    Raises:
        subprocess.CalledProcessError: a command failed and has printed its error.
    """
    store, index = out / "store", out / "index"
    if not (store / MANIFEST).exists():
        _note(f"making {config.rows:,} listings")
        write_store(store, config, made_stamp(config.seed))
    if not index.exists():
        _note("building the index")
        build_index_folder(store, index)
    _note("finding duplicates")
    shutil.rmtree(out / "duplicates", ignore_errors=True)
    costs = {"duplicates": _measure("itemsearch", "duplicates", index, "--out", out / "duplicates")}
    for rows in config.feeds:
        feed = out / f"feed-{rows}.parquet"
        write_feed(feed, config, rows)
        _note(f"matching {rows:,} rows")
        module = "itemsearch.benchmarks.experiments.match_made"
        costs[f"match of {rows:,}"] = _measure(module, index, feed, "--out", out / f"matches-{rows}.parquet")
    metrics = {"config": asdict(config), "costs": {name: asdict(cost) for name, cost in costs.items()}}
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(report(config, costs), "utf-8")
    return metrics


def made_stamp(seed: int) -> ModelStamp:
    """The made encoder, with the ranking of the shipped weights."""
    ranking = read_ranking(SHIPPED_WEIGHTS / "default")
    described = None if ranking is None else ranking.describe()
    return ModelStamp("made", f"made listings of seed {seed}", "float32", PARTS, described)


def write_store(folder: Path, config: ScaleConfig, stamp: ModelStamp) -> None:
    """Embeds made listings into a store. stamp: the model that they pass for embedded by."""
    encoder = MadeEncoder(config.seed)
    with StoreWriter(folder, stamp, encoder.dim, "float16", CARRIED) as writer:
        for block in _blocks(made_listings(config.rows, config.seed)):
            listings = [
                Listing(0, each.id, each.title, each.category, None, each.content_hash) for each in block
            ]
            images = [Image.open(BytesIO(each.picture)) for each in block]
            vectors = encoder.encode([each.title for each in block], images)
            carried = pa.record_batch(
                list(zip(*(each.carried for each in block), strict=True)), schema=CARRIED
            )
            pictures = StoredPictures([each.picture for each in block], [None] * len(block))
            writer.add(listings, vectors, pictures, carried)
        writer.finish("made listings", config.rows)


def write_feed(path: Path, config: ScaleConfig, rows: int) -> None:
    """Writes a catalog: relistings of the first product of every so-manieth family, and new listings."""
    known = int(KNOWN * rows)
    step = max(config.rows // MOST_OF_FAMILY // max(known, 1), 1)
    families = (made_family(number * step, config.seed) for number in range(known))
    again = [relisted(next(family), config.seed) for family in families]
    with pq.ParquetWriter(path, FEED_SCHEMA, compression="none") as writer:
        every = itertools.chain(again, made_listings(rows - len(again), config.seed, NEW_FAMILY))
        for block in _blocks(every):
            columns = zip(
                *((each.id, each.title, each.picture, *each.carried) for each in block), strict=True
            )
            writer.write_batch(pa.record_batch([list(column) for column in columns], schema=FEED_SCHEMA))


def report(config: ScaleConfig, costs: dict[str, ChildCost]) -> str:
    lines = [
        f"{config.rows:,} made listings.",
        "",
        "| | seconds | CPU seconds | MB of its own | MB with mapped files |",
        "|---|---|---|---|---|",
    ]
    for name, cost in costs.items():
        memory = f"{cost.own_bytes / 1e6:,.0f} | {cost.peak_bytes / 1e6:,.0f}"
        lines.append(f"| {name} | {cost.seconds:,.1f} | {cost.cpu_seconds:,.1f} | {memory} |")
    return "\n".join(lines) + "\n"


def _blocks(listings: Iterator[MadeListing]) -> Iterator[Sequence[MadeListing]]:
    while block := list(itertools.islice(listings, BLOCK)):
        yield block


def _measure(module: str, *arguments: str | Path) -> ChildCost:
    return measure_child([sys.executable, "-m", module, *map(str, arguments)])


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.duplicates_scale")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--feed", type=int, nargs="*", default=[10_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        run(ScaleConfig(arguments.rows, tuple(arguments.feed), arguments.seed), arguments.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    print((arguments.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
