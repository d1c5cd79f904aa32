"""Bootstrap 95% intervals (percentile method), by drawing products with replacement.

All queries of a product are drawn together, for they are not independent. The draws depend on the seed alone,
so that two methods, or two runs of the same queries, are compared on the same draws: the interval of their
difference is a paired one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from itemsearch.benchmarks.metrics.ranked import PRECISIONS, PairCurve, average_precision, recall_at_precision
from itemsearch.indexes.arrays import Doubles, Rows

RESAMPLES = 1000
CURVE_RESAMPLES = 200
"""Of figures that need all pairs in order, for which a draw takes milliseconds."""
CHUNK = 50
DIGITS = 10
"""Those after depend on how many threads summed, and runs of equal predictions are to give equal figures."""

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
        """As a difference is written."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


@dataclass(frozen=True, slots=True)
class Resampled:
    """A figure, and (B,) what it was in each draw."""

    value: float
    drawn: Doubles

    @property
    def interval(self) -> Interval:
        low, high = np.quantile(self.drawn, [0.025, 0.975])
        return Interval(*(round(float(figure), DIGITS) for figure in (self.value, low, high)))

    def __sub__(self, other: Resampled) -> Resampled:
        """The paired difference, of two figures that were resampled by the same draws."""
        return Resampled(self.value - other.value, self.drawn - other.drawn)


def number(products: Sequence[str]) -> Rows:
    """(Q,) a number for each different product, from 0."""
    return np.unique(np.array(products, dtype=object).astype(str), return_inverse=True)[1]


def draws(products: Rows, seed: int, count: int) -> Iterator[Rows]:
    """How often each of the P products was drawn, P being drawn each time: (P,), `count` times."""
    rng, size = np.random.default_rng(seed), int(products.max()) + 1
    for _ in range(count):
        yield np.bincount(rng.integers(0, size, size), minlength=size)


def resample_means(values: Mapping[Name, Doubles], products: Rows, seed: int = 0) -> dict[Name, Resampled]:
    """Means of (Q,) values over queries. products (Q,): numbers from 0 without gaps."""
    sums = np.stack([np.bincount(products, value) for value in values.values()], axis=1)  # (P, M)
    counts = np.bincount(products)
    drawn = []
    weights = draws(products, seed, RESAMPLES)
    for _ in range(RESAMPLES // CHUNK):
        chunk = np.stack([next(weights) for _ in range(CHUNK)])  # (CHUNK, P)
        drawn.append((chunk @ sums) / (chunk @ counts)[:, None])
    together = np.concatenate(drawn)
    return {
        name: Resampled(float(value.mean()), together[:, place])
        for place, (name, value) in enumerate(values.items())
    }


def resample_curve(curve: PairCurve, products: Rows, seed: int = 0) -> dict[str, Resampled]:
    """uAP and the recall at each of `PRECISIONS`."""
    drawn = [_curve_figures(curve, weights[products]) for weights in draws(products, seed, CURVE_RESAMPLES)]
    return {
        name: Resampled(value, np.array([figures[name] for figures in drawn]))
        for name, value in _curve_figures(curve, None).items()
    }


def _curve_figures(curve: PairCurve, weights: Rows | None) -> dict[str, float]:
    precision, recall = curve.points(weights)
    return {
        "uAP": average_precision(precision, recall),
        **{
            f"recall at precision {least:.2f}": recall_at_precision(precision, recall, least)[0]
            for least in PRECISIONS
        },
    }
