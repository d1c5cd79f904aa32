"""What is looked among: all products, or the harder gallery of the query's own leaf category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from itemsearch.benchmarks.data.predictions import EVERYTHING, OWN_CATEGORY
from itemsearch.benchmarks.data.tasks import Task
from itemsearch.benchmarks.metrics.ranked import Answers, best_rows, collect, depth_for
from itemsearch.indexes.arrays import Floats, Rows


@dataclass(frozen=True, slots=True)
class Gallery:
    """Q' of a task's queries, and what each may find.

    queries (Q',): which of the task's. right: rows of the products that answer each. categories: the leaf
    category that each looks in; None for all products.
    """

    name: str
    queries: Rows
    right: Sequence[Rows]
    categories: Sequence[str] | None

    @property
    def depth(self) -> int:
        return depth_for(np.array([len(rows) for rows in self.right]))


def galleries(task: Task) -> list[Gallery]:
    """All products; and own category, of the queries that have one with a right and a wrong answer in it."""
    everything = Gallery(EVERYTHING, np.arange(len(task.query_ids)), task.right, None)
    categories = np.array([product.category for product in task.listings], dtype=object)
    members = {name: int((categories == name).sum()) for name in set(categories) if name}
    kept, within = [], []
    for query, category in enumerate(task.facts.categories):
        right = task.right[query][categories[task.right[query]] == category]
        others = members.get(category, 0) - len(right) - (task.own[query] >= 0)
        if len(right) and others > 0:
            kept.append(query)
            within.append(right)
    if not kept:
        return [everything]
    named = [task.facts.categories[query] for query in kept]
    return [everything, Gallery(OWN_CATEGORY, np.array(kept), within, named)]


def exact_answers(scores: Iterator[Floats], task: Task, asked: Sequence[Gallery]) -> list[Answers]:
    """The best answers in each gallery by (N,) scores of all products, which come a query at a time."""
    categories = np.array([product.category for product in task.listings], dtype=object)
    members = {name: np.flatnonzero(categories == name) for name in set(categories)}
    places = [{int(query): place for place, query in enumerate(gallery.queries)} for gallery in asked]
    found: list[list[tuple[Rows, Floats]]] = [[] for _ in asked]
    for query, (score, own) in enumerate(zip(scores, task.own, strict=True)):
        for gallery, of, answers in zip(asked, places, found, strict=True):
            place = of.get(query)
            if place is None:
                continue
            seen = score
            if gallery.categories is not None:
                rows = members[gallery.categories[place]]
                seen = np.full_like(score, -np.inf)
                seen[rows] = score[rows]
            answers.append(best_rows(seen, gallery.right[place], int(own), gallery.depth))
    return [
        collect(answers, gallery.right, gallery.depth) for gallery, answers in zip(asked, found, strict=True)
    ]
