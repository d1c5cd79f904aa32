"""Macro-F1 of predicted labels, resampled as everything else is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from itemsearch.benchmarks.metrics.bootstrap import RESAMPLES, Resampled
from itemsearch.indexes.arrays import Rows


def resample_macro_f1(truth: Sequence[str], found: Sequence[str], seed: int = 0) -> Resampled:
    """The mean F1 over the labels that `truth` has, however rare each is.

    Rows are resampled within each label: else rare labels would be missing from most samples, and the
    interval would lie above the figure.
    """
    labels = {label: place for place, label in enumerate(sorted({*truth, *found}))}
    true, guess = (np.array([labels[label] for label in side]) for side in (truth, found))
    order = np.argsort(true, kind="stable")
    true, guess = true[order], guess[order]
    first, size = np.searchsorted(true, true), np.bincount(true)[true]
    rng = np.random.default_rng(seed)
    resampled = [
        _macro_f1(true, guess[first + (rng.random(len(true)) * size).astype(np.int64)], len(labels))
        for _ in range(RESAMPLES)
    ]
    return Resampled(_macro_f1(true, guess, len(labels)), np.array(resampled))


def _macro_f1(true: Rows, guess: Rows, labels: int) -> float:
    support, guessed = np.bincount(true, minlength=labels), np.bincount(guess, minlength=labels)
    hits = np.bincount(true[true == guess], minlength=labels)
    present = support > 0
    return float((2 * hits[present] / (support + guessed)[present]).mean())
