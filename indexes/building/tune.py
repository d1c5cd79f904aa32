"""Tunes an index: finds the fastest pair of nprobe and number of candidates that reaches a recall.

Candidates by code come nearest first, so one search of `nprobe` lists gives the recall of every number of
candidates. Recall and time rise with both parameters. A pair whose recall is not above that of every pair
below it in both is not timed, and more lists are tried only while they add recall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np

from itemsearch.indexes.arrays import Doubles, Rows
from itemsearch.indexes.building.measure import RecallQueries, measure_recall, measure_speed, time_queries
from itemsearch.indexes.errors import QueryError, TargetError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.params import OperatingPoint, SearchParams, Tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.files import read_files_summary
from itemsearch.indexes.types import Target

LEVELS = (2, 4, 8, 16, 32, 64, 128)
"""Numbers of candidates that are tried, as multiples of k."""
MOST_CANDIDATES = 8192
GAIN = 5e-4
"""Differences of recall below this are smaller than the error of the measurement."""
TRIAL_QUERIES = 10
TRIALS = 3
LEAST_RECALL = 0.5
"""Pairs of a lower recall are timed only if there are no others."""
FEWER_MISSES = 0.75
"""A point is kept if it misses at most this share of what the next faster one misses."""


def tune(folder: Path, target: Target, progress: Progress = silent) -> Tuning:
    """Tunes the index in a version folder; the result may miss the target.

    Half of the held-out vectors choose the parameters, the other half measures them.

    Raises:
        DamagedIndexError: there is no index, or it is damaged.
        QueryError: there are too few distinct vectors to measure recall.
    """
    index, bytes_per_vector = VectorIndex.open(folder), read_files_summary(folder).bytes_per_vector
    choosing, fresh = (RecallQueries.from_index(index, half, target.at) for half in halves(index))
    progress("trying search parameters")
    pairs = [SearchParams(0, 0)] if index.index is None else _promising(index, choosing, target)
    points = []
    for number, params in enumerate(pairs, 1):
        points.append(_measure(index, choosing, params, bytes_per_vector))
        progress("search parameters measured", number, len(pairs))
    points = _front(points)
    meeting = [point for point in points if point.meets(target)] or [best_of(points, target)]
    confirmed = []
    for point in meeting:
        confirmed.append(_measure(index, fresh, point.params, bytes_per_vector))
        if confirmed[-1].meets(target):
            break
    chosen = best_of(confirmed[-1:] if confirmed[-1].meets(target) else confirmed, target)
    return Tuning(target, chosen, tuple(points), _now())


def measure(folder: Path, target: Target, params: SearchParams) -> Tuning:
    """Measures given search parameters on the half of the held-out vectors that `tune` does not choose by.

    Raises:
        DamagedIndexError: there is no index, or it is damaged.
        QueryError: there are too few distinct vectors to measure recall.
    """
    index, bytes_per_vector = VectorIndex.open(folder), read_files_summary(folder).bytes_per_vector
    point = _measure(
        index, RecallQueries.from_index(index, halves(index)[1], target.at), params, bytes_per_vector
    )
    return Tuning(target, point, (point,), _now())


def halves(index: VectorIndex) -> tuple[Rows, Rows]:
    """Two arrays of entries: the held-out vectors that choose the parameters, and those that measure them.

    Raises:
        QueryError: there are fewer than two held-out vectors.
    """
    entries = index.held_out()
    if len(entries) < 2:
        raise QueryError(f"recall cannot be measured on {len(index.distinct)} different vectors")
    choosing, fresh = np.array_split(entries, 2)
    return choosing, fresh


def best_of(points: Sequence[OperatingPoint], target: Target) -> OperatingPoint:
    """The point nearest to a target: the highest recall within its time limit, or the fastest if none is
    within."""
    return max(points, key=lambda p: (p.fits(target), p.recall if p.fits(target) else -p.p99_ms))


def target_missed(target: Target, best: OperatingPoint) -> TargetError:
    """The error that states the target and the best point."""
    within = "" if target.max_ms is None else f" within {target.max_ms:g} ms"
    return TargetError(
        f"recall@{target.at} of {target.recall:g}{within} was not reached: best found {best.recall:.4f} "
        f"with {best.spec}, nprobe {best.params.nprobe}, {best.params.candidates:,} candidates, "
        f"p99 {best.p99_ms:.2f} ms; nothing was published"
    )


def _promising(index: VectorIndex, queries: RecallQueries, target: Target) -> list[SearchParams]:
    """The pairs on the front of recall and time, by a short trial: the fastest first, similar ones thinned
    out."""
    tried = list(_worth_timing(index, queries, target))
    # Pairs take turns, so that a moment in which the machine is busy does not fall upon one pair alone.
    turns = [
        [np.median(time_queries(index, queries, params, TRIAL_QUERIES)) for params, _ in tried]
        for _ in range(TRIALS)
    ]
    kept: list[SearchParams] = []
    missed, below = math.inf, 0.0
    front = _optimal([recall for _, recall in tried], np.min(turns, axis=0).tolist())
    for number in front:
        params, recall = tried[number]
        reaches = below < target.recall <= recall
        if reaches or 1 - recall <= FEWER_MISSES * missed or number == front[-1]:
            kept.append(params)
            missed = 1 - recall
        below = recall
    return kept


def _worth_timing(
    index: VectorIndex, queries: RecallQueries, target: Target
) -> Iterator[tuple[SearchParams, float]]:
    """Yields pairs and their recall, if it is higher than that of every pair below in both parameters."""
    counts = np.array([queries.k * level for level in LEVELS])
    counts = np.unique(np.minimum(counts, min(len(index.distinct), max(MOST_CANDIDATES, int(counts[0])))))
    enough = (
        1 + target.recall
    ) / 2  # half the misses that are allowed: a higher recall is not worth its time
    highest, tops = np.full(len(counts), LEAST_RECALL), []
    for nprobe in _steps(index.spec.nlist):
        recalls = _recalls(index, queries, nprobe, counts)
        for place, recall in enumerate(recalls):
            below = highest[: place + 1].max()
            if below < enough and (recall > below + GAIN or below < target.recall <= recall):
                yield SearchParams(nprobe, int(counts[place])), float(recall)
            highest[place] = max(highest[place], recall)
        tops.append(recalls[-1])
        if len(tops) > 2 and tops[-1] >= target.recall and (tops[-3] >= enough or tops[-1] - tops[-3] < GAIN):
            return
    if highest.max() == LEAST_RECALL:
        yield SearchParams(index.spec.nlist, int(counts[-1])), float(tops[-1])


def _steps(nlist: int) -> list[int]:
    """The values of nprobe to try: 1, 2, 3, 4, 6, 8, 11, 16 and so on to nlist; two steps double it."""
    halves = range(2 * nlist.bit_length())
    return sorted({min(round(2 ** (half / 2)), nlist) for half in halves})


def _recalls(index: VectorIndex, queries: RecallQueries, nprobe: int, counts: Rows) -> Doubles:
    """(C,) the recall for each of (C,) rising numbers of candidates."""
    entries = index.probe(queries.vectors, int(counts[-1]), nprobe)
    scores = inner_products(queries.vectors, index.vectors, index.distinct.first_rows(entries))
    right = np.cumsum(queries.are_right(scores, entries), axis=1)[:, counts - 1]  # (Q, counts)
    recalls: Doubles = np.minimum(right, queries.k).mean(axis=0) / queries.k
    return recalls


def _front(points: Sequence[OperatingPoint]) -> list[OperatingPoint]:
    """The points that no other point beats in both recall and time, the fastest first."""
    front = _optimal([point.recall for point in points], [point.mean_ms for point in points])
    return [points[number] for number in front]


def _optimal(recalls: Sequence[float], times: Sequence[float]) -> list[int]:
    """The numbers of the optimal operating points (faiss.OperatingPoints), by rising recall and time."""
    points = faiss.OperatingPoints()
    for number, (recall, seconds) in enumerate(zip(recalls, times, strict=True)):
        points.add(recall, seconds, "", number)
    front = [points.optimal_pts.at(place).cno for place in range(points.optimal_pts.size())]
    return [number for number in front if number >= 0]  # FAISS adds the origin as -1


def _measure(
    index: VectorIndex, queries: RecallQueries, params: SearchParams, bytes_per_vector: float
) -> OperatingPoint:
    recall, speed = measure_recall(index, queries, params), measure_speed(index, queries, params)
    return OperatingPoint(
        spec=index.spec.factory,
        params=params,
        queries=len(queries),
        recall=recall,
        mean_ms=speed.mean_ms,
        p99_ms=speed.p99_ms,
        queries_per_second=speed.queries_per_second,
        bytes_per_vector=bytes_per_vector,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
