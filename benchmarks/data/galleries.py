"""Galleries that queries are searched in: all listings, or only those of the query's own leaf category."""

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
    """Some queries of a task, and the listings that each is searched in.

    Attributes:
        name: as it stands in predictions and metrics.
        queries: (Q',) indexes into the task's queries.
        right: of each of these queries, the rows of its right answers.
        categories: of each of these queries, the leaf category that it is searched in; None for all listings.
    """

    name: str
    queries: Rows
    right: Sequence[Rows]
    categories: Sequence[str] | None

    @property
    def depth(self) -> int:
        """The number of answers to keep of each query."""
        return depth_for(np.array([len(rows) for rows in self.right]))


def galleries(task: Task) -> list[Gallery]:
    """All listings; then own category, with the queries whose category has a right and a wrong answer."""
    everything = Gallery(EVERYTHING, np.arange(len(task.query_ids)), task.right, None)
    categories = np.array([listing.category for listing in task.listings], dtype=object)
    sizes = {name: int((categories == name).sum()) for name in set(categories) if name}
    query_categories = task.query_facts.categories
    kept, right_in_category = [], []
    for query, category in enumerate(query_categories):
        right = task.right[query][categories[task.right[query]] == category]
        wrong = sizes.get(category, 0) - len(right) - (task.own_rows[query] >= 0)
        if len(right) and wrong > 0:
            kept.append(query)
            right_in_category.append(right)
    if not kept:
        return [everything]
    kept_categories = [query_categories[query] for query in kept]
    return [everything, Gallery(OWN_CATEGORY, np.array(kept), right_in_category, kept_categories)]


def exact_answers(scores: Iterator[Floats], task: Task, searched: Sequence[Gallery]) -> list[Answers]:
    """The best answers in each gallery by the scores of all listings.

    Args:
        scores: (N,) scores of the task's listings, for one query after another.
    """
    categories = np.array([listing.category for listing in task.listings], dtype=object)
    rows_of = {name: np.flatnonzero(categories == name) for name in set(categories)}
    positions = [{int(query): i for i, query in enumerate(gallery.queries)} for gallery in searched]
    ranked: list[list[tuple[Rows, Floats]]] = [[] for _ in searched]
    for query, (query_scores, own_row) in enumerate(zip(scores, task.own_rows, strict=True)):
        for gallery, position_of, gallery_ranked in zip(searched, positions, ranked, strict=True):
            position = position_of.get(query)
            if position is None:
                continue
            allowed = query_scores
            if gallery.categories is not None:
                rows = rows_of[gallery.categories[position]]
                allowed = np.full_like(query_scores, -np.inf)
                allowed[rows] = query_scores[rows]
            gallery_ranked.append(best_rows(allowed, gallery.right[position], int(own_row), gallery.depth))
    return [
        collect(gallery_ranked, gallery.right, gallery.depth)
        for gallery, gallery_ranked in zip(searched, ranked, strict=True)
    ]
