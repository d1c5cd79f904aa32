"""Figures of a retrieval run from its predictions: each method in each gallery, differences, slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from itemsearch.benchmarks.data.predictions import EVERYTHING, OURS, Predictions, QueryFacts
from itemsearch.benchmarks.metrics.bootstrap import Figures, number, resample_figures, resample_means
from itemsearch.benchmarks.metrics.ranked import (
    PRECISIONS,
    PairCurve,
    figures_by_query,
    recall_at_precision,
)
from itemsearch.indexes.arrays import Rows

SLICED = "recall@1"
MIN_SLICE_QUERIES = 5


@dataclass(frozen=True, slots=True)
class GalleryFigures:
    """The figures of one gallery.

    Attributes:
        queries: the number of queries.
        figures: method to measure to interval.
        differences: other method to measure to the interval of ours minus that method's.
        thresholds: method to precision to the lowest score that reaches it; left out where none does.
    """

    queries: int
    figures: Figures
    differences: Figures
    thresholds: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """The content of a retrieval run's metrics.json.

    Attributes:
        galleries: gallery to its figures.
        slices: kind of slice to slice to method to the interval of its `SLICED`.
        sizes: kind of slice to slice to the number of queries.
    """

    galleries: dict[str, GalleryFigures]
    slices: dict[str, Figures]
    sizes: dict[str, dict[str, int]]


def retrieval_figures(predictions: Predictions, seed: int, grouped: bool) -> RetrievalFigures:
    """All figures of a retrieval run. grouped: whether its queries are listings of the catalog.

    Raises:
        CatalogError: the predictions are damaged.
    """
    galleries = {
        gallery: _gallery_figures(predictions, gallery, seed, grouped) for gallery in predictions.row_groups
    }
    figures = galleries[EVERYTHING].figures
    others = [method for method in figures if not method.startswith(OURS)]
    best = max(others, key=lambda method: figures[method][SLICED].value, default=None)
    sliced_methods = [method for method in (OURS, best) if method is not None and method in figures]
    values = {
        method: figures_by_query(predictions.answers(EVERYTHING, method))[SLICED] for method in sliced_methods
    }
    queries = predictions.query_facts(EVERYTHING)
    slices: dict[str, Figures] = {}
    sizes: dict[str, dict[str, int]] = {}
    for kind, rows_by_slice in _slices(queries).items():
        slices[kind], sizes[kind] = {}, {}
        for name, rows in rows_by_slice.items():
            products = number([queries.products[row] for row in rows])
            in_slice = {method: by_query[rows] for method, by_query in values.items()}
            resampled = resample_means(in_slice, products, seed)
            slices[kind][name] = {method: figure.interval for method, figure in resampled.items()}
            sizes[kind][name] = len(rows)
    return RetrievalFigures(galleries, slices, sizes)


def _gallery_figures(predictions: Predictions, gallery: str, seed: int, grouped: bool) -> GalleryFigures:
    products = number(predictions.query_facts(gallery).products)
    answers = {method: predictions.answers(gallery, method) for method in predictions.methods(gallery)}
    resampled = resample_figures(answers, products, seed, grouped)
    thresholds = {method: _thresholds(PairCurve.of(of_method)) for method, of_method in answers.items()}
    ours = resampled.get(OURS, {})
    differences = {
        method: {name: (ours[name] - figure).interval for name, figure in figures.items()}
        for method, figures in resampled.items()
        if ours and method != OURS
    }
    figures = {
        method: {name: figure.interval for name, figure in of_method.items()}
        for method, of_method in resampled.items()
    }
    return GalleryFigures(len(products), figures, differences, thresholds)


def _thresholds(curve: PairCurve) -> dict[str, float]:
    precision, recall = curve.points()
    points = {f"{minimum:.2f}": recall_at_precision(precision, recall, minimum)[1] for minimum in PRECISIONS}
    return {minimum: float(curve.scores[point]) for minimum, point in points.items() if point >= 0}


def _slices(queries: QueryFacts) -> dict[str, dict[str, Rows]]:
    """Kind to slice to (Q',) rows of queries, without slices of few queries and kinds of a single slice."""
    slices_of_queries: dict[str, list[list[str]]] = {
        "edit": [list(edits) for edits in queries.edits],
        "modality": [[modality] for modality in queries.modalities],
        "category": [[category] if category else [] for category in queries.categories],
    }
    kinds: dict[str, dict[str, Rows]] = {}
    for kind, query_slices in slices_of_queries.items():
        rows_of: dict[str, list[int]] = {}
        for row, names in enumerate(query_slices):
            for name in names:
                rows_of.setdefault(name, []).append(row)
        large = {
            name: np.array(rows) for name, rows in sorted(rows_of.items()) if len(rows) >= MIN_SLICE_QUERIES
        }
        if len(rows_of) > 1 and large:
            kinds[kind] = large
    return kinds
