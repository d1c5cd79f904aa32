"""The paper's second task: a product's leaf category from its frozen embedding (arXiv 2311.02084)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from itemsearch.benchmarks.data.predictions import PREDICTIONS, Asked, PredictionsWriter
from itemsearch.benchmarks.data.tasks import carried_texts, modality
from itemsearch.benchmarks.methods.baselines import Listed, embed_baselines
from itemsearch.benchmarks.metrics.ranked import best_rows, collect
from itemsearch.benchmarks.metrics.scoring import OURS, model_label
from itemsearch.benchmarks.reports.category_report import CATEGORIES, LINEAR, NEAREST, report
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ListingEncoder
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.types import Listing

STRENGTHS = (0.03, 0.3, 3.0)
"""Inverse regularisation of the linear probe, chosen on the last fifth of the training rows."""
ITERATIONS = 200
NEIGHBOURS = 10
ANSWERS = 5
TEST_SHARE = 5
"""One product in so many is for testing, where a catalog is split."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CategoryConfig:
    """test: None to test on one in five of the products of `train`, drawn by the group they are of.

    group: a column whose equal values mean one product, "" where every row is one by itself: what is tested
    has no other listing among what is learnt from. rows: of the training catalog, drawn by seed; None for
    all. models: ours, the first of which the report is about. others: models of others, to compare with.
    """

    train: CatalogConfig
    test: CatalogConfig | None = None
    group: str = ""
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    device: str = "auto"
    rows: int | None = None
    seed: int = 0
    baselines: bool = True
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """N products that have a category, and (N,) the group that each is of."""

    listings: Sequence[Listing]
    groups: Sequence[str]

    @property
    def categories(self) -> list[str]:
        return [product.category for product in self.listings]

    @property
    def listed(self) -> Listed:
        return Listed([p.title for p in self.listings], [p.image for p in self.listings])

    def take(self, rows: Sequence[int] | Rows) -> Labelled:
        return Labelled([self.listings[row] for row in rows], [self.groups[row] for row in rows])


def run(config: CategoryConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures a linear probe and 10 nearest neighbours; writes predictions.parquet and the report of it.

    Returns:
        What metrics.json holds.

    Raises:
        CatalogError: a catalog cannot be read.
        UsageError: a catalog has no categories, or no such column; or nothing is left to learn from.
    """
    train, test = split(config)
    chosen = np.random.default_rng(config.seed).permutation(len(train.listings))[: config.rows]
    train = train.take(chosen)
    encoders = {
        model_label(name, place): ListingEncoder.from_pretrained(name, config.device)
        for place, name in enumerate(config.models)
    }
    out.mkdir(parents=True, exist_ok=True)
    labels = sorted({*train.categories, *test.categories})
    with PredictionsWriter(out / PREDICTIONS, labels, labels) as writer:
        for name, (known, unknown) in _embedded(config, encoders, train, test, progress):
            progress(f"probing {name}")
            for probe, classifier in _probes(known, train.categories).items():
                shares = np.zeros((len(unknown), len(labels)), np.float32)
                shares[:, np.searchsorted(labels, classifier.classes_)] = classifier.predict_proba(unknown)
                right = [np.array([place]) for place in np.searchsorted(labels, test.categories)]
                answers = [
                    best_rows(share, truth, -1, ANSWERS) for share, truth in zip(shares, right, strict=True)
                ]
                writer.write(CATEGORIES, f"{name}: {probe}", _facts(test), collect(answers, right, ANSWERS))
    summary = (
        f"Leaf category of {len(test.listings):,} products from frozen embeddings, learnt from "
        f"{len(train.listings):,} products of {len(set(train.categories))} categories."
    )
    write_description(out, describe_run("category", config, encoders[OURS].stamp, summary))
    return report(out)


def split(config: CategoryConfig) -> tuple[Labelled, Labelled]:
    """What is learnt from and what is tested, which share no group."""
    train = _labelled(config.train, config.group)
    if config.test is None:
        held_out = [zlib.crc32(group.encode()) % TEST_SHARE == 0 for group in train.groups]
        test = train.take(np.flatnonzero(held_out))
    else:
        test = _labelled(config.test, config.group)
    tested = set(test.groups)
    train = train.take([row for row, group in enumerate(train.groups) if group not in tested])
    if not train.listings or not test.listings:
        raise UsageError(
            f"{config.train.path}: {len(train.listings)} products to learn from and {len(test.listings)} to "
            "test on once no group is in both: give more, or another --test"
        )
    return train, test


def _labelled(catalog: CatalogConfig, group: str) -> Labelled:
    listings: list[Listing] = []
    groups: list[str] = []
    for batch in read_catalog(catalog):
        named = carried_texts(batch, group, "--group") if group else [p.id for p in batch.listings]
        kept = [(p, name or p.id) for p, name in zip(batch.listings, named, strict=True) if p.category]
        listings += [product for product, _ in kept]
        groups += [name for _, name in kept]
    if not listings:
        raise UsageError(
            f"{catalog.path}: no product has a category; name its column with --column category=NAME"
        )
    return Labelled(listings, groups)


def _facts(test: Labelled) -> Asked:
    return Asked(
        query_ids=[product.id for product in test.listings],
        listings=test.groups,
        categories=test.categories,
        modalities=[modality(product.title, product.image) for product in test.listings],
        edits=[()] * len(test.listings),
        right_ids=test.categories,
    )


def _embedded(
    config: CategoryConfig,
    encoders: Mapping[str, ListingEncoder],
    train: Labelled,
    test: Labelled,
    progress: Progress,
) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    """Each method, with (N, D) of the training and (M, D) of the test products."""
    for method, encoder in encoders.items():
        progress(f"{method}: embedding")
        known, unknown = (encoder.encode(side.titles, side.images) for side in (train.listed, test.listed))
        yield method, (known, unknown)
    if config.baselines:
        progress("embedding for the baselines")
        learnt, asked = (embed_baselines(side.listed, None, config.others) for side in (train, test))
        for name in learnt:
            if name in asked:
                yield name, (learnt[name], asked[name])


def _probes(known: Floats, labels: Sequence[str]) -> Mapping[str, Pipeline | KNeighborsClassifier]:
    split = max(len(known) * 4 // 5, 1)

    def right(strength: float) -> float:
        return float(
            _linear(strength).fit(known[:split], labels[:split]).score(known[split:], labels[split:])
        )

    strength = max(STRENGTHS, key=right)
    # Of vectors of length 1 the nearest by distance are those of the highest cosine; weighted, few votes tie.
    nearest = KNeighborsClassifier(min(NEIGHBOURS, len(known)), algorithm="brute", weights="distance")
    return {LINEAR: _linear(strength).fit(known, labels), NEAREST: nearest.fit(known, labels)}


def _linear(strength: float) -> Pipeline:
    """On numbers of mean 0 and variance 1: else the penalty weighs on those that vary little."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS))
