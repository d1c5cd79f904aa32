"""Ours beside what one would put together by hand or install, on one machine, by turns.

    python -m itemsearch.benchmarks.experiments.rivals DATA --out RUN [--parts embed recall index join]
        [--vectors STORE] [--imagededup PYTHON]

DATA is the folder of data sets. embed: products a second, pictures decoded before: ours; all-MiniLM-L6-v2 by
sentence-transformers and EfficientNet-Lite0, side by side; CLIP ViT-B/32 of transformers with random weights,
which finds nothing but computes as much. recall: recall@1 of the first two, on the general shop's queries and
on fashion relisted by another generator. index: queries a second of ours, FAISS's HNSW and usearch on the
same vectors (--vectors), each at the least effort that finds .95 of the true ten. join: all pairs of a shop
with planted relistings, by `itemsearch dedupe` and by imagededup, which --imagededup names a Python of: its
torchvision may want another torch than ours.

Rounds interleave the methods, so that other programs on the machine hit all alike; figures are medians of
`--rounds`, and ratios are medians of the ratios within a round. Processor milliseconds are of all threads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.predictions import EVERYTHING, OURS
from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.experiments.rivals_index import index_rates, index_table
from itemsearch.benchmarks.experiments.rivals_join import join_figures, join_table
from itemsearch.benchmarks.methods.baselines import BOTH
from itemsearch.benchmarks.methods.by_hand import ByHand, RandomClip
from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.metrics.turns import Rate, rate_cells, rates
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.runs.retrieval import RetrievalConfig
from itemsearch.benchmarks.runs.retrieval import run as run_retrieval
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.errors import ItemSearchError, UsageError
from itemsearch.indexes.progress import silent

PARTS = ("embed", "recall", "index", "join")
BY_HAND = "MiniLM and EfficientNet-Lite0 by hand"
FINDERS = {OURS: OURS, f"{OURS}, joint cosine alone": f"{OURS}, joint cosine alone", BY_HAND: BOTH}
"""What finds something, and its name among the methods of the retrieval benchmark."""


@dataclass(frozen=True, slots=True)
class RivalsConfig:
    """products: that a round embeds. vectors: a store or vector file. imagededup: a Python that has it."""

    data: Path
    parts: tuple[str, ...] = PARTS
    vectors: Path | None = None
    imagededup: str = ""
    products: int = 64
    rounds: int = 5


def run(config: RivalsConfig, out: Path) -> dict[str, Any]:
    """Measures the parts; RUN/rivals.json keeps those of earlier runs.

    Raises:
        ItemSearchError: data or a model cannot be read.
        subprocess.CalledProcessError: a command failed and has printed its error.
    """
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "rivals.json"
    metrics: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    measures: dict[str, Callable[[], Any]] = {
        "embed": lambda: [asdict(each) for each in embed_rates(config)],
        "recall": lambda: recalls_at_1(config.data, out),
        "index": lambda: [asdict(each) for each in index_rates(_vectors(config), config.rounds, out)],
        "join": lambda: [asdict(each) for each in join_figures(config.data, config.imagededup, out)],
    }
    for part in config.parts:
        metrics[part] = measures[part]()
        kept.write_text(json.dumps(metrics, indent=1), "utf-8")
        (out / "report.md").write_text(report(metrics), "utf-8")
    return metrics


def _vectors(config: RivalsConfig) -> Path:
    if config.vectors is None:
        raise UsageError("the part index needs --vectors")
    return config.vectors


def embed_rates(config: RivalsConfig) -> list[Rate]:
    """Of the same products of the general shop in each round, a new part of it each time."""
    batches = open_catalog(CatalogConfig(str(config.data / "general" / "catalog.parquet"))).batches()
    items = [item for batch in batches for item in batch.items]
    every = TitlesAndImages.of(items)
    ours, hand, clip = open_encoder(), ByHand.load(), RandomClip.load()
    methods: dict[str, Callable[[TitlesAndImages], object]] = {
        OURS: lambda part: ours.encode(part.titles, part.images),
        BY_HAND: hand.embed,
        "the same in bfloat16": lambda part: hand.embed(part, half=True),
        "CLIP ViT-B/32": clip.embed,
        "CLIP ViT-B/32 in bfloat16": lambda part: clip.embed(part, half=True),
    }

    def work(way: Callable[[TitlesAndImages], object], number: int) -> None:
        rows = [(number * config.products + row) % len(items) for row in range(config.products)]
        way(TitlesAndImages([every.titles[row] for row in rows], [every.images[row] for row in rows]))

    return rates(methods, work, config.products, config.rounds)


def recalls_at_1(data: Path, out: Path) -> dict[str, dict[str, Any]]:
    """By set and method: recall@1 with its interval, as `itemsearch benchmark retrieval` computes it."""
    sets = {
        "general": (data / "general" / "catalog.parquet", data / "general" / "queries.parquet"),
        "fashion, relisted elsewhere": (
            data / "fashion" / "test",
            data / "fashion" / "test-relisted-elsewhere.parquet",
        ),
    }
    found = {}
    for name, (catalog, queries) in sets.items():
        config = RetrievalConfig(CatalogConfig(str(catalog)), str(queries))
        metrics = run_retrieval(config, out / "retrieval" / name.partition(",")[0], silent)
        figures = metrics["galleries"][EVERYTHING]["figures"]
        found[name] = {label: figures[method]["recall@1"] for label, method in FINDERS.items()}
    return found


def report(metrics: Mapping[str, Any]) -> str:
    """The tables of the parts that were measured."""
    tables = [TABLES[part](metrics[part]) for part in PARTS if part in metrics]
    return "\n\n".join("\n".join(markdown_table(table)) for table in tables) + "\n"


def _embed_table(found: Sequence[Mapping[str, Any]]) -> ReportTable:
    rows = [[each["method"], *rate_cells(each)] for each in found]
    return ReportTable(["method", "products a second", "times ours", "CPU ms a product"], rows)


def _recall_table(found: Mapping[str, Mapping[str, Any]]) -> ReportTable:
    rows = [[method, *(str(Interval(**figures[method])) for figures in found.values())] for method in FINDERS]
    return ReportTable(["recall@1", *found], rows)


TABLES: Mapping[str, Callable[[Any], ReportTable]] = {
    "embed": _embed_table,
    "recall": _recall_table,
    "index": index_table,
    "join": join_table,
}


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.rivals")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--vectors", type=Path, help="store or vector file for the part index")
    parser.add_argument("--imagededup", default="", metavar="PYTHON", help="a Python that has imagededup")
    parser.add_argument("--products", type=int, default=64, help="products that a round embeds")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    config = RivalsConfig(
        chosen.data, tuple(chosen.parts), chosen.vectors, chosen.imagededup, chosen.products, chosen.rounds
    )
    try:
        run(config, chosen.out)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    print((chosen.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
