"""Are the groups right? `itemsearch benchmark pairs`: ours, beside the usual means.

A catalog with known duplicates: a column says which rows are one product, or one product in ten is listed
again by another seller, heavily edited. What there is to choose (our calibration, the usual means'
thresholds) is chosen on another catalog.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.benchmarks.data.relist import PRODUCT, SELLER, write_listed_again
from itemsearch.benchmarks.methods.baselines import TFIDF, Listed, embed_baselines, tfidf_vectors
from itemsearch.benchmarks.metrics.clusters import b_cubed_f1
from itemsearch.benchmarks.metrics.scoring import OURS
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.reports.pairs_report import report, write_groups
from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.duplicates.calibrate.index import CalibrateConfig, learn
from itemsearch.duplicates.calibrate.labels import Labels as Truth
from itemsearch.duplicates.groups.form import group
from itemsearch.duplicates.groups.linkage import components
from itemsearch.duplicates.pairs.decide import LEAST_RIVAL, decide, may_pass
from itemsearch.duplicates.pairs.join import JoinConfig, Wanted, join
from itemsearch.duplicates.types import Tier
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ListingEncoder
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Ints
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.build import build_index_folder
from itemsearch.search.column_values import Labels
from itemsearch.search.engine import Engine
from itemsearch.search.narrow import Filter

REVIEWED = f"{OURS}, all that is to review too"
SCORE = "itemsearch's score, connected"
NEIGHBOURS = 20
STEPS = 60
"""So many thresholds are tried."""
BLOCK = 512


Progress = Callable[[str], None]
Compare = Callable[[Ints], npt.NDArray[np.float32]]
"""Of (B,) rows: (B, N) how alike each is with all."""


@dataclass(frozen=True, slots=True)
class PairsConfig:
    """catalog: whose groups are measured. calibrate_on: where thresholds are chosen; other products.

    same: the column that says which rows are one product; "" to list some products again. other: the column
    in which listings of a pair differ, such as their seller, for every method alike; "" to compare all.
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
class Edges:
    """Pairs of listings and how alike each is, for one method."""

    a: Ints
    b: Ints
    alike: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """An indexed catalog of N listings. products (N,): which product each is of, by row of the index."""

    engine: Engine
    listings: Ints
    listed: Listed


def run(config: PairsConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes predictions.parquet, the report of it, and the catalogs and indexes used.

    Returns:
        What metrics.json holds.

    Raises:
        UsageError: options that do not go together, too few labels, or a precision that is not reached.
        CatalogError: a catalog cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    encoder = ListingEncoder.from_pretrained(config.model, config.device)
    progress("preparing the catalog to calibrate on")
    train = _part(config, config.calibrate_on, out / "calibrate", encoder)
    progress("preparing the catalog to measure")
    test = _part(config, config.catalog, out / "test", encoder)
    progress("calibrating")
    truth = Truth.of(
        {row: str(number) for row, number in enumerate(train.listings.tolist())}, {}, len(train.listings)
    )
    learning = CalibrateConfig(min_precision=config.min_precision, other=config.other)
    calibration = learn(train.engine, truth, learning, lambda *step: None)
    progress("grouping")
    automatic, reviewed = _our_groups(config, test, calibration.thresholds)
    found = {OURS: automatic, REVIEWED: reviewed}
    for name, chosen_on, measured_on in _usual_means(config, train, test, progress):
        found[name] = _connected(measured_on, _best_threshold(chosen_on, train.listings), len(test.listings))
    summary = (
        f"{len(test.listings):,} listings of {len(np.unique(test.listings)):,} products; what there is to "
        f"choose was chosen on {len(train.listings):,} others, ours for a precision of "
        f"{config.min_precision:g}" + (f". Pairs differ in their {config.other}." if config.other else ".")
    )
    write_groups(out, test.listings, found)
    write_description(out, describe_run("pairs", config, encoder.stamp, summary))
    return report(out)


def _part(config: PairsConfig, catalog: CatalogConfig, out: Path, encoder: ListingEncoder) -> Part:
    column = config.same or PRODUCT
    if not config.same:
        out.mkdir(exist_ok=True)
        write_listed_again(read_catalog(catalog), out / "catalog.parquet", config.seed)
        catalog = CatalogConfig(str(out / "catalog.parquet"))
    embed_catalog(catalog, out / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    build_index_folder(out / "store", out / "index")
    engine = Engine.open(out / "index", config.model, config.device)
    listings = engine.listings
    for name in filter(None, (column, config.other)):
        if name not in listings.column_names:
            raise UsageError(f"{catalog.path}: no column {name!r}; it has {', '.join(listings.column_names)}")
    numbers = listings[column].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    read = {product.id: product for batch in read_catalog(catalog) for product in batch.listings}
    listed = [read[id] for id in listings["id"].to_pylist()]
    pictures = Listed([product.title for product in listed], [product.image for product in listed])
    return Part(engine, numbers.astype(np.int64), pictures)


def _our_groups(config: PairsConfig, part: Part, thresholds: Thresholds) -> tuple[Ints, Ints]:
    """(N,) the groups that are automatic, and (N,) all."""
    listings = part.engine.listings
    pairs = _joined(part.engine, config.other, lambda measured: may_pass(measured, thresholds))
    groups = group(decide(pairs, thresholds), listings)
    rows = {id: row for row, id in enumerate(listings["id"].to_pylist())}
    found = []
    for tiers in ((Tier.AUTOMATIC,), tuple(Tier)):
        of = np.arange(listings.num_rows)
        first: dict[str, int] = {}
        for row in groups.select(["group_id", "id", "tier"]).to_pylist():
            if row["tier"] in tiers:
                of[rows[row["id"]]] = first.setdefault(row["group_id"], rows[row["id"]])
        found.append(of)
    return found[0], found[1]


def _usual_means(
    config: PairsConfig, train: Part, test: Part, progress: Progress
) -> Iterator[tuple[str, Edges, Edges]]:
    """Each one's pairs in either catalog."""
    yield SCORE, _scored(train, config.other), _scored(test, config.other)
    if not config.baselines:
        return
    progress("embedding for the usual means")
    compare = [_comparisons(part) for part in (train, test)]
    for name in compare[0].keys() & compare[1].keys():
        progress(f"comparing by {name}")
        yield (
            name,
            _nearest(train, compare[0][name], config.other),
            _nearest(test, compare[1][name], config.other),
        )


def _comparisons(part: Part) -> dict[str, Compare]:
    """How each of the usual means compares (B,) listings with all: (B, N)."""
    found: dict[str, Compare] = {}
    for name, vectors in embed_baselines(part.listed).items():
        found[name] = partial(_cosines, vectors)
    if any(part.listed.titles):
        found[TFIDF] = partial(_cosines, tfidf_vectors(part.listed.titles))
    return found


def _cosines(vectors: Any, rows: Ints) -> npt.NDArray[np.float32]:
    compared = vectors[rows] @ vectors.T
    dense: npt.NDArray[np.float32] = compared if isinstance(compared, np.ndarray) else compared.toarray()
    return dense


def _nearest(part: Part, compare: Compare, other: str) -> Edges:
    """Each listing's `NEIGHBOURS` most alike, of those that may be paired with it."""
    count = len(part.listings)
    label = np.arange(count)
    if other:
        label = Labels.from_column(part.engine.listings, other).of_rows
    found = []
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        alike = compare(rows).astype(np.float64)
        alike[label[rows, None] == label] = -np.inf
        near = np.argpartition(-alike, min(NEIGHBOURS, count - 1), axis=1)[:, :NEIGHBOURS]
        found.append(
            (np.repeat(rows, near.shape[1]), near.ravel(), np.take_along_axis(alike, near, axis=1).ravel())
        )
    a, b, alike = (np.concatenate(column) for column in zip(*found, strict=True))
    possible = np.isfinite(alike)
    return Edges(a[possible], b[possible], alike[possible])


def _scored(part: Part, other: str) -> Edges:
    pairs = _joined(part.engine, other, lambda measured: measured["score"].to_numpy() >= LEAST_RIVAL)
    return Edges(*(pairs[name].to_numpy() for name in ("row_a", "row_b", "score")))


def _joined(engine: Engine, other: str, wanted: Wanted) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        config = JoinConfig(Filter(other=other))
        return join(engine, config, wanted, Path(folder) / "join", lambda *step: None).pairs


def _best_threshold(edges: Edges, listings: Ints) -> float:
    """That under which connected listings agree best with the truth, by B-cubed F1; infinite for none."""
    ordered = np.sort(edges.alike)[::-1]
    kept = np.unique(np.geomspace(1, max(len(ordered), 1), STEPS).astype(np.int64)) - 1
    tried = [np.inf, *ordered[kept[kept < len(ordered)]]]
    return float(max(tried, key=lambda least: b_cubed_f1(_connected(edges, least, len(listings)), listings)))


def _connected(edges: Edges, least: float, count: int) -> Ints:
    linked = edges.alike >= least
    return components(count, edges.a[linked], edges.b[linked])
