"""`itemsearch benchmark pairs`: groups of duplicates, by itemsearch and by baselines.

The true products of the catalog are known: a column holds them, or one product in ten is relisted by another
seller with heavy edits. Our calibration and the thresholds of the baselines are chosen on another catalog.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.data.relist import PRODUCT, SELLER, write_listed_again
from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.methods.threshold_groups import (
    ScoredPairs,
    best_threshold,
    compare_baselines,
    connected,
    nearest_pairs,
)
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.reports.pairs_report import report, write_groups
from itemsearch.benchmarks.runs import Progress
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.columns import no_column
from itemsearch.duplicates.calibrate.index import CalibrateConfig, learn
from itemsearch.duplicates.calibrate.labels import DuplicateLabels as Truth
from itemsearch.duplicates.groups.form import group
from itemsearch.duplicates.pairs.decide import LEAST_RIVAL, decide, may_pass
from itemsearch.duplicates.pairs.join import JoinConfig, PairFilter, join
from itemsearch.duplicates.types import Tier
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ListingEncoder
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Ints
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.build import build_index_folder
from itemsearch.search.column_values import ColumnValues
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter

REVIEWED = f"{OURS}, all that is to review too"
SCORE = "itemsearch's score, connected"


@dataclass(frozen=True, slots=True)
class PairsConfig:
    """Options of the benchmark.

    Attributes:
        catalog: the catalog whose groups are measured.
        calibrate_on: a catalog of other products, on which thresholds are chosen.
        same: the column that holds the true product; "" relists some products.
        other: the column in which the listings of a pair have to differ, such as the seller, for every
            method; "" compares all.
        min_precision: the precision that our calibration aims at, 0 to 1.
    """

    catalog: CatalogConfig
    calibrate_on: CatalogConfig
    same: str = ""
    other: str = SELLER
    min_precision: float = 0.95
    model: str = DEFAULT_MODEL
    device: str = "auto"
    seed: int = 0
    baselines: bool = True


@dataclass(frozen=True, slots=True)
class IndexedCatalog:
    """A catalog of N listings, in the order of its index's rows.

    Attributes:
        engine: the opened index.
        products: (N,) the number of the true product of each listing.
        listings: titles and images.
    """

    engine: Engine
    products: Ints
    listings: TitlesAndImages

    def labels(self, column: str) -> Ints:
        """(N,) numbers of the values of a column; without a column each listing has its own."""
        if not column:
            return np.arange(len(self.products))
        return ColumnValues.from_column(self.engine.listings, column).of_rows


def run(config: PairsConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes predictions.parquet, the report, and the catalogs and indexes used.

    Returns:
        The content of metrics.json.

    Raises:
        UsageError: a column is missing, labels are too few, or the precision is not reached.
        CatalogError: a catalog cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    encoder = ListingEncoder.from_pretrained(config.model, config.device)
    progress("preparing the catalog to calibrate on")
    train = _index(config, config.calibrate_on, out / "calibrate", encoder)
    progress("preparing the catalog to measure")
    test = _index(config, config.catalog, out / "test", encoder)
    progress("calibrating")
    truth = Truth.of(
        {row: str(product) for row, product in enumerate(train.products.tolist())}, {}, len(train.products)
    )
    calibrate_config = CalibrateConfig(min_precision=config.min_precision, other=config.other)
    calibration = learn(train.engine, truth, calibrate_config, lambda *step: None)
    progress("grouping")
    automatic, reviewed = _our_groups(config, test, calibration.thresholds)
    groups = {OURS: automatic, REVIEWED: reviewed}
    for name, train_pairs, test_pairs in _scored_methods(config, train, test, progress):
        threshold = best_threshold(train_pairs, train.products)
        groups[name] = connected(test_pairs, threshold, len(test.products))
    summary = (
        f"{len(test.products):,} listings of {len(np.unique(test.products)):,} products; thresholds were "
        f"chosen on {len(train.products):,} other listings, ours for a precision of "
        f"{config.min_precision:g}" + (f". Pairs differ in their {config.other}." if config.other else ".")
    )
    write_groups(out, test.products, groups)
    write_description(out, describe_run("pairs", config, encoder.stamp, summary))
    return report(out)


def _index(config: PairsConfig, catalog: CatalogConfig, out: Path, encoder: ListingEncoder) -> IndexedCatalog:
    """Embeds and indexes a catalog, after relisting some products where no column holds the true product."""
    column = config.same or PRODUCT
    if not config.same:
        out.mkdir(exist_ok=True)
        write_listed_again(open_catalog(catalog).batches(), out / "catalog.parquet", config.seed)
        catalog = CatalogConfig(str(out / "catalog.parquet"))
    embed_catalog(catalog, out / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    build_index_folder(out / "store", out / "index")
    engine = Engine.open(out / "index", config.model, config.device)
    listings = engine.listings
    for name in filter(None, (column, config.other)):
        if name not in listings.column_names:
            raise UsageError(f"{catalog.path}: {no_column(listings.column_names, name)}")
    products = listings[column].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    by_id = {listing.id: listing for batch in open_catalog(catalog).batches() for listing in batch.items}
    in_row_order = TitlesAndImages.of([by_id[id] for id in listings["id"].to_pylist()])
    return IndexedCatalog(engine, products.astype(np.int64), in_row_order)


def _our_groups(config: PairsConfig, indexed: IndexedCatalog, thresholds: Thresholds) -> tuple[Ints, Ints]:
    """(N,) group numbers of the automatic groups, and (N,) of all groups.

    A group has the number of one of its rows; a listing without a group has its own row. Four listings of
    which 1 and 3 are grouped give [0, 1, 2, 1].
    """
    listings = indexed.engine.listings
    pairs = _joined(indexed.engine, config.other, lambda measured: may_pass(measured, thresholds))
    members = group(decide(pairs, thresholds), listings).select(["group_id", "id", "tier"]).to_pylist()
    row_of = {id: row for row, id in enumerate(listings["id"].to_pylist())}

    def numbers(tiers: tuple[Tier, ...]) -> Ints:
        numbered = np.arange(listings.num_rows)
        first_row: dict[str, int] = {}
        for member in members:
            if member["tier"] in tiers:
                row = row_of[member["id"]]
                numbered[row] = first_row.setdefault(member["group_id"], row)
        return numbered

    return numbers((Tier.AUTOMATIC,)), numbers(tuple(Tier))


def _scored_methods(
    config: PairsConfig, train: IndexedCatalog, test: IndexedCatalog, progress: Progress
) -> Iterator[tuple[str, ScoredPairs, ScoredPairs]]:
    """Each method that connects pairs above a threshold, with its pairs of both catalogs."""
    yield SCORE, _our_pairs(train, config.other), _our_pairs(test, config.other)
    if not config.baselines:
        return
    progress("embedding for the baselines")
    of_train, of_test = compare_baselines(train.listings), compare_baselines(test.listings)
    for name in [name for name in of_train if name in of_test]:
        progress(f"comparing by {name}")
        yield (
            name,
            nearest_pairs(of_train[name], train.labels(config.other)),
            nearest_pairs(of_test[name], test.labels(config.other)),
        )


def _our_pairs(indexed: IndexedCatalog, other: str) -> ScoredPairs:
    pairs = _joined(indexed.engine, other, lambda measured: measured["score"].to_numpy() >= LEAST_RIVAL)
    return ScoredPairs(*(pairs[name].to_numpy() for name in ("row_a", "row_b", "score")))


def _joined(engine: Engine, other: str, wanted: PairFilter) -> pa.Table:
    """The pairs of the catalog's join that `wanted` accepts."""
    with tempfile.TemporaryDirectory() as folder:
        config = JoinConfig(Filter(other=other))
        return join(engine, config, wanted, Path(folder) / "join", lambda *step: None).pairs
