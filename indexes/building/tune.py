"""Finds the cheapest way of searching an index that reaches a recall.

The candidates by code come nearest first, so that one search of `nprobe` lists tells the recall of every
number of candidates. Recall rises with both parameters, and so does time: a pair that finds no more than a
pair below it in both is never timed, and lists are added only until they bring nothing that is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.building.choose import Target
from itemsearch.indexes.building.measure import Asked, measure_recall, measure_speed, time_queries
from itemsearch.indexes.errors import QueryError, TargetError
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.params import Point, SearchParams, Tuning
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.files import read_files_summary

LEVELS = (2, 4, 8, 16, 32, 64, 128)
"""Candidates tried, in results asked for."""
MOST_CANDIDATES = 8192
GAIN = 5e-4
"""Of recall: less than the measurement itself can tell apart."""
TRIAL_QUERIES = 10
TRIALS = 3
LEAST_RECALL = 0.5
"""Below, nothing is timed unless there is nothing else."""
FEWER_MISSES = 0.75
"""A point is kept if it misses at most so many times what the next cheaper one misses."""


def tune(folder: Path, target: Target) -> Tuning:
    """Measures the index in a version folder; what it finds may fall short of the target.

    Half of the vectors held out from training choose, the other half measures what was chosen.

    Raises:
        DamagedIndexError: no index, or a damaged one.
        QueryError: too few different vectors to measure recall on.
    """
    index, taken = VectorIndex.open(folder), read_files_summary(folder).bytes_per_vector
    choosing, fresh = (Asked.from_index(index, half, target.at) for half in halves(index))
    pairs = [SearchParams(0, 0)] if index.index is None else _promising(index, choosing, target)
    points = _front([_measure(index, choosing, params, taken) for params in pairs])
    hopeful = [point for point in points if point.meets(target)] or [best_of(points, target)]
    confirmed = []
    for point in hopeful:
        confirmed.append(_measure(index, fresh, point.params, taken))
        if confirmed[-1].meets(target):
            break
    chosen = best_of(confirmed[-1:] if confirmed[-1].meets(target) else confirmed, target)
    return Tuning(target, chosen, tuple(points), _now())


def measure(folder: Path, target: Target, params: SearchParams) -> Tuning:
    """Measures one way of searching, on the half of the held-out vectors that has no part in choosing.

    Raises:
        DamagedIndexError: no index, or a damaged one.
        QueryError: too few different vectors to measure recall on.
    """
    index, taken = VectorIndex.open(folder), read_files_summary(folder).bytes_per_vector
    point = _measure(index, Asked.from_index(index, halves(index)[1], target.at), params, taken)
    return Tuning(target, point, (point,), _now())


def halves(index: VectorIndex) -> tuple[Rows, Rows]:
    """The held-out vectors that choose how an index is searched, and those that measure what was chosen.

    Raises:
        QueryError: too few different vectors.
    """
    entries = index.held_out()
    if len(entries) < 2:
        raise QueryError(f"recall cannot be measured on {len(index.distinct)} different vectors")
    choosing, fresh = np.array_split(entries, 2)
    return choosing, fresh


def best_of(points: Sequence[Point], target: Target) -> Point:
    """What comes nearest to a target: the highest recall in time, or the fastest where none is."""
    return max(points, key=lambda p: (p.fits(target), p.recall if p.fits(target) else -p.p99_ms))


def target_missed(target: Target, best: Point) -> TargetError:
    """Tells what was asked for and the best that was found."""
    within = "" if target.max_ms is None else f" within {target.max_ms:g} ms"
    return TargetError(
        f"recall@{target.at} of {target.recall:g}{within} was not reached: best found {best.recall:.4f} "
        f"with {best.spec}, nprobe {best.params.nprobe}, {best.params.candidates:,} candidates, "
        f"p99 {best.p99_ms:.2f} ms; nothing was published"
    )


def _promising(index: VectorIndex, asked: Asked, target: Target) -> list[SearchParams]:
    """The pairs on the front of recall and time, by trial: the cheapest first, a few of those much alike."""
    tried = list(_worth_timing(index, asked, target))
    # In turns: a moment in which the machine is busy must not fall upon one pair alone.
    turns = [
        [np.median(time_queries(index, asked, params, TRIAL_QUERIES)) for params, _ in tried]
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


def _worth_timing(index: VectorIndex, asked: Asked, target: Target) -> Iterator[tuple[SearchParams, float]]:
    """Pairs and their recall, each higher than that of every pair that is below it in both parameters."""
    counts = np.array([asked.k * level for level in LEVELS])
    counts = np.unique(np.minimum(counts, min(len(index.distinct), max(MOST_CANDIDATES, int(counts[0])))))
    enough = (1 + target.recall) / 2  # half the misses that are allowed: what costs more is of no use
    highest, tops = np.full(len(counts), LEAST_RECALL), []
    for nprobe in _steps(index.spec.nlist):
        recalls = _recalls(index, asked, nprobe, counts)
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
    """1, 2, 3, 4, 6, 8, 11, 16 and so on to nlist: two steps double it."""
    halves = range(2 * nlist.bit_length())
    return sorted({min(round(2 ** (half / 2)), nlist) for half in halves})


def _recalls(index: VectorIndex, asked: Asked, nprobe: int, counts: Rows) -> npt.NDArray[np.float64]:
    """The recall for each number of candidates, rising."""
    entries = index.probe(asked.vectors, int(counts[-1]), nprobe)
    scores = inner_products(asked.vectors, index.vectors, index.distinct.first_rows(entries))
    right = np.cumsum(asked.are_right(scores, entries), axis=1)[:, counts - 1]  # (Q, counts)
    recalls: npt.NDArray[np.float64] = np.minimum(right, asked.k).mean(axis=0) / asked.k
    return recalls


def _front(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in both recall and time, the fastest first."""
    front = _optimal([point.recall for point in points], [point.mean_ms for point in points])
    return [points[number] for number in front]


def _optimal(recalls: Sequence[float], times: Sequence[float]) -> list[int]:
    """The numbers of the optimal operating points, by rising recall and time, as FAISS tells them."""
    points = faiss.OperatingPoints()
    for number, (recall, seconds) in enumerate(zip(recalls, times, strict=True)):
        points.add(recall, seconds, "", number)
    front = [points.optimal_pts.at(place).cno for place in range(points.optimal_pts.size())]
    return [number for number in front if number >= 0]  # -1 is the origin


def _measure(index: VectorIndex, asked: Asked, params: SearchParams, taken: float) -> Point:
    recall, speed = measure_recall(index, asked, params), measure_speed(index, asked, params)
    return Point(
        spec=index.spec.factory,
        params=params,
        queries=len(asked),
        recall=recall,
        mean_ms=speed.mean_ms,
        p99_ms=speed.p99_ms,
        queries_per_second=speed.queries_per_second,
        bytes_per_vector=taken,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
