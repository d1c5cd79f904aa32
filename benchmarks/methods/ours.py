"""Our engine on its real path: a catalog embedded and indexed, its answers by its own ranking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from itemsearch.benchmarks.data.galleries import Gallery
from itemsearch.benchmarks.data.tasks import Task
from itemsearch.benchmarks.metrics.ranked import Answers, collect
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.narrow import NOT_NARROWED, Filter, Narrowing
from itemsearch.search.ranker import Ranked

BLOCK = 256


class EngineUnderTest:
    """An engine over a task's products.

    asked: the task's queries, embedded; rows (Q,) of the index where they are products themselves, else None.
    task_rows (N,): the task's row of each row of the index.
    """

    def __init__(self, engine: Engine, asked: ListingArrays, rows: Rows | None, task_rows: Rows) -> None:
        self.engine = engine
        self.asked = asked
        self.rows = rows
        self.task_rows = task_rows

    @classmethod
    def build(cls, catalog: CatalogConfig, task: Task, encoder: ListingEncoder, out: Path) -> EngineUnderTest:
        """Embeds the catalog into `out`/store and indexes it in `out`/index.

        Raises:
            CatalogError: the catalog cannot be read.
        """
        embed_catalog(catalog, out / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
        build_index_folder(out / "store", out / "index")
        engine = Engine.open(out / "index")
        row_of = {product.id: row for row, product in enumerate(task.listings)}
        task_rows = np.array([row_of[id] for id in engine.listings["id"].to_pylist()])
        has_image = np.array([image is not None for image in task.asked.images])
        if task.queries is None:
            rows = np.argsort(task_rows)[task.own]
            vectors = np.asarray(engine.vectors[rows])
        else:
            rows, vectors = None, encoder.encode(task.asked.titles, task.asked.images)
        return cls(engine, ListingArrays(vectors, task.asked.titles, has_image), rows, task_rows)

    @property
    def gallery_vectors(self) -> Floats:
        """(N, D) in the order of the task's products."""
        vectors = np.empty_like(self.engine.vectors)
        vectors[self.task_rows] = self.engine.vectors
        return vectors

    def answers(self, gallery: Gallery) -> Answers:
        """The engine's own ranking; what scores alike, by the joint cosine too, with the wrong ones first."""
        nothing = np.empty(0, np.int64), np.empty(0, np.float32)
        found: list[tuple[Rows, Floats]] = [nothing] * len(gallery.queries)
        for places, narrowing in self._stretches(gallery):
            ranked = self._rank(gallery.queries[places], gallery.depth, narrowing)
            for place, answer in zip(places, ranked, strict=True):
                found[place] = self._pessimistic(answer, gallery.right[place])
        return collect(found, gallery.right, gallery.depth)

    def _stretches(self, gallery: Gallery) -> list[tuple[Rows, Narrowing]]:
        """Places of queries that are asked together, and the products that they may find."""
        if gallery.categories is None:
            places = np.arange(len(gallery.queries))
            return [(places[start : start + BLOCK], NOT_NARROWED) for start in range(0, len(places), BLOCK)]
        categories = np.array(gallery.categories, dtype=object)
        return [
            (
                np.flatnonzero(categories == name),
                self.engine.narrow(Filter(where=f"category = {_quoted(name)}")),
            )
            for name in sorted(set(gallery.categories))
        ]

    def _rank(self, queries: Rows, k: int, narrowing: Narrowing) -> Sequence[Ranked]:
        if self.rows is not None:
            return self.engine.ranker.rank_rows(self.rows[queries], k, narrowing)
        nothing_to_differ_in: list[str | None] = [None] * len(queries)
        return self.engine.ranker.rank(
            self.asked.take(queries), k, narrowing.for_values(nothing_to_differ_in)
        )

    def _pessimistic(self, ranked: Ranked, right: Rows) -> tuple[Rows, Floats]:
        rows = self.task_rows[ranked.rows]
        order = np.lexsort((np.isin(rows, right), -ranked.joint, -ranked.scores))
        return rows[order], ranked.scores[order]


def _quoted(text: str) -> str:
    """As SQL writes a text."""
    return "'" + text.replace("'", "''") + "'"
