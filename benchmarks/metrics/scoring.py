"""From predictions to figures: each method in each gallery, differences, slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from itemsearch.benchmarks.data.predictions import EVERYTHING, Asked, Predictions
from itemsearch.benchmarks.metrics.bootstrap import (
    Interval,
    Resampled,
    number,
    resample_curve,
    resample_means,
)
from itemsearch.benchmarks.metrics.ranked import (
    MEAN_F1,
    PRECISIONS,
    Answers,
    PairCurve,
    figures_by_query,
    mean_f1,
    recall_at_precision,
)
from itemsearch.indexes.arrays import Rows

OURS = "itemsearch"
SLICED = "recall@1"
LEAST_SLICE = 5

Figures = dict[str, dict[str, Interval]]
"""Row to column to figure."""


@dataclass(frozen=True, slots=True)
class GalleryScores:
    """queries: how many were asked. figures: of each method. differences: ours minus each other method's.
    thresholds: method to precision to the least score that reaches it; left out where none does."""

    queries: int
    figures: Figures
    differences: Figures
    thresholds: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Scores:
    """slices: kind of slice to slice to method to its `SLICED`; the number of queries is in `sizes`."""

    galleries: dict[str, GalleryScores]
    slices: dict[str, Figures]
    sizes: dict[str, dict[str, int]]


def model_label(name: str, place: int) -> str:
    """What the answers of the model that was given at `place`, from 0, are called."""
    return f"{OURS} {place + 1} ({Path(name).name})" if place else OURS


def score(predictions: Predictions, seed: int, grouped: bool) -> Scores:
    """All figures of a retrieval run. grouped: whether its queries are products themselves.

    Raises:
        CatalogError: the predictions are damaged.
    """
    galleries = {
        gallery: _score_gallery(predictions, gallery, seed, grouped) for gallery in predictions.groups
    }
    figures = galleries[EVERYTHING].figures
    others = [method for method in figures if not method.startswith(OURS)]
    best = max(others, key=lambda method: figures[method][SLICED].value, default=None)
    shown = [OURS] if best is None else [OURS, best]
    hits = {
        method: figures_by_query(predictions.answers(EVERYTHING, method))[SLICED]
        for method in shown
        if method in figures
    }
    asked = predictions.asked(EVERYTHING)
    slices: dict[str, Figures] = {}
    sizes: dict[str, dict[str, int]] = {}
    for kind, parts in _slices(asked).items():
        slices[kind], sizes[kind] = {}, {}
        for name, rows in parts.items():
            listings = number([asked.listings[row] for row in rows])
            resampled = resample_means({method: hit[rows] for method, hit in hits.items()}, listings, seed)
            slices[kind][name] = {method: figure.interval for method, figure in resampled.items()}
            sizes[kind][name] = len(rows)
    return Scores(galleries, slices, sizes)


def resample(
    answers: Mapping[str, Answers], listings: Rows, seed: int, grouped: bool = False
) -> dict[str, dict[str, Resampled]]:
    """Every figure of each of several methods, all by the same draws.

    Args:
        products: (Q,) numbers from 0 of the queries, which are the same for all methods.
        grouped: whether queries are products themselves, so that `MEAN_F1` has a meaning.
    """
    values = {(name, of): v for name, held in answers.items() for of, v in figures_by_query(held).items()}
    if grouped:
        values |= {(name, MEAN_F1): mean_f1(held, listings) for name, held in answers.items()}
    resampled: dict[str, dict[str, Resampled]] = {name: {} for name in answers}
    for (name, of), figure in resample_means(values, listings, seed).items():
        resampled[name][of] = figure
    for name, held in answers.items():
        resampled[name] |= resample_curve(PairCurve.of(held), listings, seed)
    return resampled


def _score_gallery(predictions: Predictions, gallery: str, seed: int, grouped: bool) -> GalleryScores:
    listings = number(predictions.asked(gallery).listings)
    answers = {method: predictions.answers(gallery, method) for method in predictions.methods(gallery)}
    resampled = resample(answers, listings, seed, grouped)
    thresholds = {method: _thresholds(PairCurve.of(held)) for method, held in answers.items()}
    ours = resampled.get(OURS, {})
    differences = {
        method: {name: (ours[name] - figure).interval for name, figure in figures.items()}
        for method, figures in resampled.items()
        if ours and method != OURS
    }
    figures = {
        method: {name: figure.interval for name, figure in held.items()} for method, held in resampled.items()
    }
    return GalleryScores(len(listings), figures, differences, thresholds)


def _thresholds(curve: PairCurve) -> dict[str, float]:
    precision, recall = curve.points()
    places = {f"{least:.2f}": recall_at_precision(precision, recall, least)[1] for least in PRECISIONS}
    return {least: float(curve.scores[place]) for least, place in places.items() if place >= 0}


def _slices(asked: Asked) -> dict[str, dict[str, Rows]]:
    """Kind to slice to (Q',) rows of queries; slices of few queries are left out, and kinds of one slice."""
    named: dict[str, list[list[str]]] = {
        "edit": [list(edits) for edits in asked.edits],
        "modality": [[modality] for modality in asked.modalities],
        "category": [[category] if category else [] for category in asked.categories],
    }
    kinds: dict[str, dict[str, Rows]] = {}
    for kind, names in named.items():
        rows: dict[str, list[int]] = {}
        for row, of in enumerate(names):
            for name in of:
                rows.setdefault(name, []).append(row)
        kept = {name: np.array(of) for name, of in sorted(rows.items()) if len(of) >= LEAST_SLICE}
        if len(rows) > 1 and kept:
            kinds[kind] = kept
    return kinds
