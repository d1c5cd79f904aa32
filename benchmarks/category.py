"""The paper's second task: a product's leaf category from its frozen embedding (arXiv 2311.02084)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.baselines import Listed, embed_baselines
from benchmarks.metrics import Floats, Interval, accuracy, macro_f1
from benchmarks.report import describe_run, write_run
from benchmarks.tasks import first_batches, products_of
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.encoder import DEFAULT_MODEL, ProductEncoder
from itemsearch.errors import UsageError
from itemsearch.types import Product

OURS = "itemsearch"
STRENGTHS = (0.03, 0.3, 3.0)
"""Inverse regularisation of the linear probe, chosen on the last fifth of the training rows."""
ITERATIONS = 200
NEIGHBOURS = 10

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CategoryConfig:
    """rows: of the training catalog, drawn by seed; None for all."""

    train: CatalogConfig
    test: CatalogConfig
    model: str = DEFAULT_MODEL
    device: str = "auto"
    rows: int | None = None
    seed: int = 0
    baselines: bool = True


def run(config: CategoryConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures a linear probe and 10 nearest neighbours, and writes config.json, metrics.json and report.md.

    Returns:
        What metrics.json holds.

    Raises:
        CatalogError: a catalog cannot be read.
        UsageError: a catalog has no categories.
    """
    rng = np.random.default_rng(config.seed)
    train, test = _labelled(config.train), _labelled(config.test)
    chosen = rng.permutation(len(train))[: config.rows]
    train = [train[row] for row in chosen]
    encoder = ProductEncoder.from_pretrained(config.model, config.device)
    methods: dict[str, dict[str, Interval]] = {}
    for name, (known, unknown) in _embedded(config, encoder, train, test, progress).items():
        progress(f"probing {name}")
        methods[name] = _probe(known, [p.category for p in train], unknown, [p.category for p in test])
    out.mkdir(parents=True, exist_ok=True)
    described = describe_run("category", config, encoder.stamp, train_rows=len(train), test_rows=len(test))
    categories = len({product.category for product in train})
    summary = (
        f"Leaf category of {len(test):,} products from frozen embeddings, learnt from {len(train):,} "
        f"products of {categories} categories."
    )
    return write_run(out, described, methods, {}, summary)


def _labelled(catalog: CatalogConfig) -> list[Product]:
    products = products_of(list(first_batches(catalog, None)))
    labelled = [product for product in products if product.category]
    if not labelled:
        raise UsageError(
            f"{catalog.path}: no product has a category; name its column with --column category=NAME"
        )
    return labelled


def _embedded(
    config: CategoryConfig,
    encoder: ProductEncoder,
    train: Sequence[Product],
    test: Sequence[Product],
    progress: Progress,
) -> dict[str, tuple[Floats, Floats]]:
    """(N, D) of the training and (M, D) of the test products, by method."""
    sides = [Listed([p.title for p in side], [p.image for p in side]) for side in (train, test)]
    progress("embedding")
    ours = [encoder.encode(side.titles, side.images) for side in sides]
    methods = {OURS: (ours[0], ours[1])}
    if config.baselines:
        progress("embedding for the baselines")
        known, unknown = embed_baselines(sides[0]), embed_baselines(sides[1])
        methods |= {name: (known[name], unknown[name]) for name in known if name in unknown}
    return methods


def _probe(
    known: Floats, labels: Sequence[str], unknown: Floats, truth: Sequence[str]
) -> dict[str, Interval]:
    split = len(known) * 4 // 5

    def right(strength: float) -> float:
        return float(
            _linear(strength).fit(known[:split], labels[:split]).score(known[split:], labels[split:])
        )

    strength = max(STRENGTHS, key=right)
    linear = _linear(strength).fit(known, labels).predict(unknown)
    # Of vectors of length 1 the nearest by distance are those of the highest cosine.
    nearest = KNeighborsClassifier(NEIGHBOURS, algorithm="brute").fit(known, labels).predict(unknown)
    return {
        "linear accuracy": accuracy(truth, linear),
        "linear macro-F1": macro_f1(truth, linear),
        "10-NN accuracy": accuracy(truth, nearest),
        "10-NN macro-F1": macro_f1(truth, nearest),
    }


def _linear(strength: float) -> Pipeline:
    """On numbers of mean 0 and variance 1: else the penalty weighs on those that vary little."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS))
