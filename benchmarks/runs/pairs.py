"""`itemsearch benchmark pairs`: the duplicates that itemsearch finds without labels, beside baselines.

The true pairs of the catalog are known: a file or a column holds them, or one product in ten is relisted by
another seller with heavy edits. Nothing is chosen by them, but that labels are drawn from them on request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.judged_pairs import JudgedPairs, PairAnswers, names_of_ours
from itemsearch.benchmarks.data.relist import PRODUCT, SELLER, write_listed_again
from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.data.true_pairs import TruePairs, pair_keys, read_true_pairs
from itemsearch.benchmarks.methods.our_pairs import OurPairs, find_our_pairs
from itemsearch.benchmarks.methods.pair_rules import (
    ScoredPairs,
    compare_baselines,
    decide_by_rules,
    nearest_pairs,
)
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.reports.pairs_report import ESTIMATES, report
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.columns import no_column
from itemsearch.duplicates.groups.linkage import components
from itemsearch.duplicates.pairs.join import JoinConfig
from itemsearch.duplicates.run import RunConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Ints
from itemsearch.indexes.progress import Progress
from itemsearch.search.build import build_index_folder
from itemsearch.search.column_values import ColumnValues
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter
from itemsearch.store.manifest import ModelStamp

SCORE = "itemsearch's score"


@dataclass(frozen=True, slots=True)
class PairsConfig:
    """Options of the benchmark.

    truth: a file of the pairs that are one product, as `read_true_pairs` reads it; "" for none. same: the
    column that holds the product instead; without either, some products are relisted. other: the column in
    which the listings of a pair differ, for every method; "" compares all, but that relisted products are
    compared across sellers. min_precision: what the automatic tier is to keep. labels: so many pairs teach,
    drawn by the seed; 0 for none.
    """

    catalog: CatalogConfig
    truth: str = ""
    same: str = ""
    other: str = ""
    min_precision: float = 0.95
    labels: int = 0
    model: str = DEFAULT_MODEL
    device: str = "auto"
    seed: int = 0
    baselines: bool = True


@dataclass(frozen=True, slots=True)
class TrueCatalog:
    """An indexed catalog of N listings whose true pairs are known.

    catalog: what was embedded. other: the column in which the listings of a pair differ, and labels its (N,)
    values as numbers; without a column each listing has its own.
    """

    catalog: CatalogConfig
    engine: Engine
    stamp: ModelStamp
    truth: TruePairs
    other: str
    labels: Ints


def run(config: PairsConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Embeds and indexes the catalog, measures, and writes predictions, the report and all tables into `out`.

    Returns:
        The content of metrics.json.

    Raises:
        UsageError: both `truth` and `same`, or a column is missing.
        CatalogError: the catalog or the truth cannot be read.
    """
    return measure(config, prepare(config, out, progress), out, progress)


def prepare(config: PairsConfig, out: Path, progress: Progress) -> TrueCatalog:
    """Embeds and indexes the catalog into `out`, after relisting some products where no truth is given.

    Raises:
        UsageError, CatalogError: as `run`.
    """
    if config.truth and config.same:
        raise UsageError("--truth and --same: give one of them")
    out.mkdir(parents=True, exist_ok=True)
    catalog, same, other = config.catalog, config.same, config.other
    if not (config.truth or same):
        progress("relisting products")
        write_listed_again(open_catalog(catalog).batches(), out / "catalog.parquet", config.seed)
        catalog, same, other = CatalogConfig(str(out / "catalog.parquet")), PRODUCT, other or SELLER
    encoder = open_encoder(config.model, config.device, bulk=True)
    embed_catalog(catalog, out / "store", encoder, EmbedConfig(), progress)
    build_index_folder(out / "store", out / "index", progress=progress)
    engine = Engine.open(out / "index", config.model, config.device)
    for name in filter(None, (same, other)):
        if name not in engine.listings.column_names:
            raise UsageError(f"{catalog.path}: {no_column(engine.listings.column_names, name)}")
    labels = np.arange(engine.listings.num_rows)
    if other:
        labels = ColumnValues.from_column(engine.listings, other).of_rows
    if config.truth:
        truth = TruePairs.of_rows(*read_true_pairs(config.truth, engine.find_row), labels)
    else:
        truth = TruePairs.of_products(ColumnValues.from_column(engine.listings, same).of_rows, labels)
    return TrueCatalog(catalog, engine, encoder.stamp, truth, other, labels)


def measure(config: PairsConfig, indexed: TrueCatalog, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Decides the pairs of a prepared catalog by every method, and writes predictions and the report."""
    out.mkdir(parents=True, exist_ok=True)
    settings = RunConfig(JoinConfig(Filter(other=indexed.other)), min_precision=config.min_precision)
    counts = [0, config.labels] if config.labels else [0]
    ours: dict[str, OurPairs] = {}
    answers: dict[str, PairAnswers] = {}
    for name, count in zip(names_of_ours(counts), counts, strict=True):
        progress(f"finding duplicates with {count:,} labels")
        folder = out / (f"duplicates-{count}-labels" if count else "duplicates")
        found = find_our_pairs(indexed.engine, settings, folder, indexed.truth, count, config.seed)
        ours[name] = found
        answers |= {name + tier: answer for tier, answer in found.answers.items()}
    last = list(ours.values())[-1]
    for name, pairs in _scored(config, indexed, last, progress):
        for rule, (a, b) in decide_by_rules(pairs, indexed.labels).items():
            groups = components(len(indexed.labels), a, b)
            answers[f"{name}: {rule}"] = PairAnswers(pair_keys(a, b, len(indexed.labels)), groups)
    probabilities = {name: found.probability for name, found in ours.items()}
    JudgedPairs.of(indexed.truth, last.keys, probabilities, last.labelled, answers).write(out)
    estimates = {
        name: {**asdict(found.estimates), "expected": found.expected} for name, found in ours.items()
    }
    described = describe_run("pairs", config, indexed.stamp, _summary(indexed, len(last.labelled)))
    write_description(out, {**described, ESTIMATES: estimates})
    return report(out)


def _summary(indexed: TrueCatalog, labels: int) -> str:
    products = len(np.unique(indexed.truth.products))
    text = (
        f"{len(indexed.labels):,} listings of {products:,} products, {len(indexed.truth.keys):,} true pairs; "
        "nothing was chosen by them."
    )
    if indexed.other:
        text += f" Pairs differ in their {indexed.other}."
    if labels:
        text += f" {labels:,} compared pairs were labelled; pairs are measured on the rest, by every method."
    return text


def _scored(
    config: PairsConfig, indexed: TrueCatalog, ours: OurPairs, progress: Progress
) -> Iterator[tuple[str, ScoredPairs]]:
    """Each method that scores pairs, and its pairs."""
    count = len(indexed.labels)
    yield SCORE, ScoredPairs(ours.keys // count, ours.keys % count, ours.scores)
    if not config.baselines:
        return
    progress("embedding for the baselines")
    by_id = {
        listing.id: listing for batch in open_catalog(indexed.catalog).batches() for listing in batch.items
    }
    in_row_order = TitlesAndImages.of([by_id[id] for id in indexed.engine.listings["id"].to_pylist()])
    for name, compare in compare_baselines(in_row_order).items():
        progress(f"comparing by {name}")
        yield name, nearest_pairs(compare, indexed.labels)
