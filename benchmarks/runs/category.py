"""`itemsearch benchmark category`: leaf categories from embeddings (second task of arXiv 2311.02084)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from itemsearch.benchmarks.data.predictions import (
    OURS,
    PREDICTIONS,
    PredictionsWriter,
    QueryFacts,
    model_label,
)
from itemsearch.benchmarks.data.tasks import TitlesAndImages, carried_texts
from itemsearch.benchmarks.methods.baselines import embed_baselines
from itemsearch.benchmarks.metrics.ranked import best_rows, collect
from itemsearch.benchmarks.reports.category_report import CATEGORIES, LINEAR, NEAREST, report
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.categories import CategoryVectors
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.progress import Progress
from itemsearch.types import Listing

T = TypeVar("T")
STRENGTHS = (0.03, 0.3, 3.0)
"""Inverse regularisation of the linear probe, chosen on the last fifth of the training listings."""
ITERATIONS = 200
NEIGHBOURS = 10
ANSWERS = 5
FOLDS = 5
"""Into so many parts a catalog is split that is tested on itself, each on what the others taught."""
JOINT = "embedding of products"
"""Added to the name of a model where its embeddings are probed, not its category vectors."""


@dataclass(frozen=True, slots=True)
class CategoryConfig:
    """Options of the benchmark.

    Attributes:
        test: the test catalog; None tests on each fifth of the products of `train`, trained on the others.
        group: a column whose equal values mean one product, so that no product is in both parts; "" where
            every listing is a product by itself.
        rows: the number of listings of `train`, drawn by seed; None for all.
        models: our models; the report is about the first.
        others: other models to compare with.
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
class CategorisedListings:
    """N listings with a category, and (N,) the product of each."""

    listings: Sequence[Listing]
    products: Sequence[str]

    @property
    def categories(self) -> list[str]:
        """(N,) leaf categories."""
        return [listing.category for listing in self.listings]

    @property
    def titles_and_images(self) -> TitlesAndImages:
        """What a method sees of the listings."""
        return TitlesAndImages.of(self.listings)

    def take(self, rows: Sequence[int] | Rows) -> CategorisedListings:
        """Some of the listings."""
        listings = [self.listings[row] for row in rows]
        return CategorisedListings(listings, [self.products[row] for row in rows])


@dataclass(frozen=True, slots=True)
class Split:
    """M test listings and the N listings to train on. folds: of each fold the rows of its training and of its
    test listings; every test listing is in one fold."""

    train: CategorisedListings
    test: CategorisedListings
    folds: Sequence[tuple[Rows, Rows]]


def run(config: CategoryConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures a linear probe and 10 nearest neighbours; writes predictions.parquet and the report.

    Returns:
        The content of metrics.json.

    Raises:
        CatalogError: a catalog cannot be read.
        UsageError: a catalog has no categories or lacks a column, or no training listings are left.
    """
    parts = split(config)
    encoders = {
        model_label(name, place): open_encoder(name, config.device, bulk=True)
        for place, name in enumerate(config.models)
    }
    out.mkdir(parents=True, exist_ok=True)
    labels = sorted({*parts.train.categories, *parts.test.categories})
    right = [np.array([label]) for label in np.searchsorted(labels, parts.test.categories)]
    with PredictionsWriter(out / PREDICTIONS, labels, labels) as writer:
        for name, (train_vectors, test_vectors) in _embedded(config, encoders, parts, progress):
            progress(f"probing {name}")
            for probe, scores in _scores(train_vectors, test_vectors, parts, labels).items():
                ranked = [
                    best_rows(row, truth, -1, ANSWERS) for row, truth in zip(scores, right, strict=True)
                ]
                answers = collect(ranked, right, ANSWERS)
                writer.write(CATEGORIES, f"{name}: {probe}", _query_facts(parts.test), answers)
    summary = (
        f"Leaf category of {len(parts.test.listings):,} listings from frozen embeddings, trained on "
        f"{max(len(train) for train, _ in parts.folds):,} listings, of "
        f"{len(set(parts.train.categories))} categories."
    )
    write_description(out, describe_run("category", config, encoders[OURS].stamp, summary))
    return report(out)


def split(config: CategoryConfig) -> Split:
    """The training and the test listings; no fold trains on a product that it tests."""
    train, rng = _read(config.train, config.group), np.random.default_rng(config.seed)
    if config.test is None:
        train = train.take(rng.permutation(len(train.listings))[: config.rows])
        part = np.array([zlib.crc32(product.encode()) % FOLDS for product in train.products])
        folds = [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(FOLDS)]
        folds = [(learnt, tested) for learnt, tested in folds if len(tested)]
        _refuse_empty(config, min(len(learnt) for learnt, _ in folds), len(train.listings))
        return Split(train, train, folds)
    test = _read(config.test, config.group)
    tested = set(test.products)
    train = train.take([row for row, product in enumerate(train.products) if product not in tested])
    _refuse_empty(config, len(train.listings), len(test.listings))
    train = train.take(rng.permutation(len(train.listings))[: config.rows])
    return Split(train, test, [(np.arange(len(train.listings)), np.arange(len(test.listings)))])


def _refuse_empty(config: CategoryConfig, train: int, test: int) -> None:
    if not train or not test:
        raise UsageError(
            f"{config.train.path}: {train} listings to train on and {test} to test on once no product is in "
            "both: give more, or another --test"
        )


def _read(catalog: CatalogConfig, group: str) -> CategorisedListings:
    listings: list[Listing] = []
    products: list[str] = []
    for batch in open_catalog(catalog).batches():
        ids = [listing.id for listing in batch.items]
        values = carried_texts(batch, group, "--group") if group else ids
        for listing, value in zip(batch.items, values, strict=True):
            if listing.category:
                listings.append(listing)
                products.append(value or listing.id)
    if not listings:
        raise UsageError(
            f"{catalog.path}: no listing has a category; name its column with --column category=NAME"
        )
    return CategorisedListings(listings, products)


def _query_facts(test: CategorisedListings) -> QueryFacts:
    return QueryFacts(
        query_ids=[listing.id for listing in test.listings],
        products=test.products,
        categories=test.categories,
        modalities=test.titles_and_images.modalities,
        edits=[()] * len(test.listings),
        right_ids=test.categories,
    )


def _embedded(
    config: CategoryConfig, encoders: Mapping[str, Encoder], parts: Split, progress: Progress
) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    """Each method, with the (N, D) vectors of the training and the (M, D) vectors of the test listings."""
    for method, encoder in encoders.items():
        progress(f"{method}: embedding")
        categories = CategoryVectors.of_encoder(encoder)
        joint = _of_both(parts, partial(_encode, encoder))
        titles = (parts.train.titles_and_images.titles, parts.test.titles_and_images.titles)
        learnt, tested = (categories.of(*each) for each in zip(titles, joint, strict=True))
        yield method, (learnt, tested)
        yield f"{method}, {JOINT}", joint
    if config.baselines:
        progress("embedding for the baselines")
        of_train, of_test = _of_both(parts, lambda part: embed_baselines(part, None, config.others))
        for name in of_train:
            if name in of_test:
                yield name, (of_train[name], of_test[name])


def _encode(encoder: Encoder, part: TitlesAndImages) -> Floats:
    return encoder.encode(part.titles, part.images)


def _of_both(parts: Split, embed: Callable[[TitlesAndImages], T]) -> tuple[T, T]:
    """What `embed` makes of the training and of the test listings, once where they are the same."""
    train = embed(parts.train.titles_and_images)
    return train, train if parts.test is parts.train else embed(parts.test.titles_and_images)


def _scores(train: Floats, test: Floats, parts: Split, labels: Sequence[str]) -> Mapping[str, Floats]:
    """Probe to the (M, L) probabilities that it gives the labels of the test listings."""
    scores = {probe: np.zeros((len(test), len(labels)), np.float32) for probe in (LINEAR, NEAREST)}
    for learnt, tested in parts.folds:
        categories = parts.train.take(learnt).categories
        for probe, classifier in _probes(train[learnt], categories).items():
            known = np.searchsorted(labels, classifier.classes_)
            scores[probe][np.ix_(tested, known)] = classifier.predict_proba(test[tested])
    return scores


def _probes(vectors: Floats, labels: Sequence[str]) -> Mapping[str, Pipeline | KNeighborsClassifier]:
    """The fitted classifiers. vectors: (N, D), labels: (N,) of the training listings."""
    split = max(len(vectors) * 4 // 5, 1)

    def accuracy(strength: float) -> float:
        probe = _linear(strength).fit(vectors[:split], labels[:split])
        return float(probe.score(vectors[split:], labels[split:]))

    strength = max(STRENGTHS, key=accuracy)
    # For vectors of length 1 the nearest by distance have the highest cosine; weights keep votes from tying.
    nearest = KNeighborsClassifier(min(NEIGHBOURS, len(vectors)), algorithm="brute", weights="distance")
    return {LINEAR: _linear(strength).fit(vectors, labels), NEAREST: nearest.fit(vectors, labels)}


def _linear(strength: float) -> Pipeline:
    """Logistic regression on standardised vectors, so that the penalty acts alike on all dimensions."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS))
