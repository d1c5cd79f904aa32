"""Macro-F1 of predicted labels, with bootstrap samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import RESAMPLES, Resampled
from itemsearch.indexes.arrays import Ints


def resample_macro_f1(truth: Sequence[str], predicted: Sequence[str], seed: int = 0) -> Resampled:
    """The F1 of each label of `truth`, averaged with equal weights.

    Rows are resampled within each label: otherwise rare labels would be missing from most samples, and the
    interval would lie above the figure.
    """
    labels = {label: number for number, label in enumerate(sorted({*truth, *predicted}))}
    true, guess = (np.array([labels[label] for label in side]) for side in (truth, predicted))
    order = np.argsort(true, kind="stable")
    true, guess = true[order], guess[order]
    # A row of the sorted labels a a a b draws from rows first to first + size - 1: 0 to 2 for a, 3 for b.
    first, size = np.searchsorted(true, true), np.bincount(true)[true]
    rng = np.random.default_rng(seed)
    resampled = [
        _macro_f1(true, guess[first + (rng.random(len(true)) * size).astype(np.int64)], len(labels))
        for _ in range(RESAMPLES)
    ]
    return Resampled(_macro_f1(true, guess, len(labels)), np.array(resampled))


def _macro_f1(true: Ints, guess: Ints, labels: int) -> float:
    support, guessed = np.bincount(true, minlength=labels), np.bincount(guess, minlength=labels)
    hits = np.bincount(true[true == guess], minlength=labels)
    present = support > 0
    return float((2 * hits[present] / (support + guessed)[present]).mean())
