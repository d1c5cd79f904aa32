"""Bootstrap 95% intervals (percentile method); products are drawn with replacement.

All queries of a product are drawn together, because they are not independent. The draws depend on the seed
alone, so that two methods, or two runs of the same queries, are compared on the same draws: the interval of
their difference is a paired one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from itemsearch.benchmarks.metrics.ranked import (
    MEAN_F1,
    PRECISIONS,
    Answers,
    PairCurve,
    average_precision,
    figures_by_query,
    mean_f1,
    recall_at_precision,
)
from itemsearch.indexes.arrays import Doubles, Ints

RESAMPLES = 1000
CURVE_RESAMPLES = 200
"""The number of draws for measures of all pairs in order: each draw takes milliseconds."""
CHUNK = 50
DIGITS = 10
"""Figures are rounded to so many digits: later ones depend on the number of threads that summed, and equal
predictions have to give equal figures."""

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its bootstrap 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def signed(self) -> str:
        """The interval with signs, as differences are written."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


@dataclass(frozen=True, slots=True)
class Resampled:
    """A figure, and its (B,) values in the draws."""

    value: float
    drawn: Doubles

    @property
    def interval(self) -> Interval:
        """The figure with the 2.5% and 97.5% quantiles of the draws."""
        low, high = np.quantile(self.drawn, [0.025, 0.975])
        return Interval(*(round(float(figure), DIGITS) for figure in (self.value, low, high)))

    def __sub__(self, other: Resampled) -> Resampled:
        """The paired difference of two figures that were resampled by the same draws."""
        return Resampled(self.value - other.value, self.drawn - other.drawn)


Figures = dict[str, dict[str, Interval]]
"""A table of figures: row to column to interval."""


def number(products: Sequence[str]) -> Ints:
    """(Q,) int64: equal texts get equal numbers, from 0 without gaps."""
    return np.unique(np.array(products, dtype=object).astype(str), return_inverse=True)[1]


def draws(products: Ints, seed: int, count: int) -> Iterator[Ints]:
    """`count` bootstrap samples: (P,) how often each of the P products was drawn, P draws in all.

    Four products of which 2, 0, 2 and 1 are drawn give [1, 1, 2, 0].
    """
    rng, size = np.random.default_rng(seed), int(products.max()) + 1
    for _ in range(count):
        yield np.bincount(rng.integers(0, size, size), minlength=size)


def resample_means(values: Mapping[Name, Doubles], products: Ints, seed: int = 0) -> dict[Name, Resampled]:
    """Resampled means over queries.

    Args:
        values: name to (Q,) values of the queries.
        products: (Q,) product numbers, as from `number`.
    """
    sums = np.stack([np.bincount(products, value) for value in values.values()], axis=1)  # (P, M)
    counts = np.bincount(products)
    drawn = []
    weights = draws(products, seed, RESAMPLES)
    for _ in range(RESAMPLES // CHUNK):
        chunk = np.stack([next(weights) for _ in range(CHUNK)])  # (CHUNK, P)
        drawn.append((chunk @ sums) / (chunk @ counts)[:, None])
    means = np.concatenate(drawn)  # (RESAMPLES, M)
    return {
        name: Resampled(float(value.mean()), means[:, column])
        for column, (name, value) in enumerate(values.items())
    }


def resample_curve(curve: PairCurve, products: Ints, seed: int = 0) -> dict[str, Resampled]:
    """Resampled uAP and recall at each of `PRECISIONS`. products: (Q,) numbers, as from `number`."""
    drawn = [_curve_figures(curve, weights[products]) for weights in draws(products, seed, CURVE_RESAMPLES)]
    return {
        name: Resampled(value, np.array([figures[name] for figures in drawn]))
        for name, value in _curve_figures(curve, None).items()
    }


def resample_figures(
    answers: Mapping[str, Answers], products: Ints, seed: int, grouped: bool = False
) -> dict[str, dict[str, Resampled]]:
    """Method to measure to its figure, all resampled by the same draws.

    Args:
        answers: of each method, to the same Q queries.
        products: (Q,) product numbers of the queries, as from `number`.
        grouped: whether queries are listings of the catalog, so that `MEAN_F1` is defined.
    """
    values = {
        (method, measure): by_query
        for method, method_answers in answers.items()
        for measure, by_query in figures_by_query(method_answers).items()
    }
    if grouped:
        values |= {(name, MEAN_F1): mean_f1(of_method, products) for name, of_method in answers.items()}
    resampled: dict[str, dict[str, Resampled]] = {method: {} for method in answers}
    for (method, measure), figure in resample_means(values, products, seed).items():
        resampled[method][measure] = figure
    for method, method_answers in answers.items():
        resampled[method] |= resample_curve(PairCurve.of(method_answers), products, seed)
    return resampled


def _curve_figures(curve: PairCurve, weights: Ints | None) -> dict[str, float]:
    precision, recall = curve.points(weights)
    return {
        "uAP": average_precision(precision, recall),
        **{
            f"recall at precision {minimum:.2f}": recall_at_precision(precision, recall, minimum)[0]
            for minimum in PRECISIONS
        },
    }
