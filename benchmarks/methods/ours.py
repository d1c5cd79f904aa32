"""The engine as a user runs it: it embeds and indexes a catalog, and answers queries by its own ranking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from itemsearch.benchmarks.data.galleries import Gallery
from itemsearch.benchmarks.data.tasks import Task
from itemsearch.benchmarks.metrics.ranked import Answers, collect
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.progress import silent
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.filter import ALL_LISTINGS, Filter, PreparedFilter
from itemsearch.search.ranker import Ranked

BLOCK = 256


class TaskEngine:
    """An engine over the listings of a task.

    Attributes:
        engine: the opened index.
        queries: the embedded queries of the task.
        query_rows: (Q,) the queries' rows of the index, where they are listings of the gallery; else None.
        task_rows: (N,) of each row of the index, the row of the task's listings.
    """

    def __init__(
        self, engine: Engine, queries: ListingArrays, query_rows: Rows | None, task_rows: Rows
    ) -> None:
        self.engine = engine
        self.queries = queries
        self.query_rows = query_rows
        self.task_rows = task_rows

    @classmethod
    def build(cls, catalog: CatalogConfig, task: Task, encoder: Encoder, out: Path) -> TaskEngine:
        """Embeds the task's catalog into `out`/store and indexes it in `out`/index.

        Raises:
            CatalogError: the catalog cannot be read.
        """
        embed_catalog(catalog, out / "store", encoder, EmbedConfig(), silent)
        build_index_folder(out / "store", out / "index")
        engine = Engine.open(out / "index")
        row_of = {listing.id: row for row, listing in enumerate(task.listings)}
        task_rows = np.array([row_of[id] for id in engine.listings["id"].to_pylist()])
        has_image = np.array([image is not None for image in task.queries.images])
        if task.from_gallery:
            query_rows = np.argsort(task_rows)[task.own_rows]
            vectors = np.asarray(engine.vectors[query_rows])
        else:
            query_rows, vectors = None, encoder.encode(task.queries.titles, task.queries.images)
        return cls(engine, ListingArrays(vectors, task.queries.titles, has_image), query_rows, task_rows)

    @property
    def gallery_vectors(self) -> Floats:
        """(N, D) float32 embeddings in the order of the task's listings."""
        vectors = np.empty(self.engine.vectors.shape, np.float32)
        vectors[self.task_rows] = self.engine.vectors[:]
        return vectors

    def answers(self, gallery: Gallery) -> Answers:
        """Answers by the engine's ranking, wrong ones first among those of equal score and joint cosine."""
        no_answers = np.empty(0, np.int64), np.empty(0, np.float32)
        answers: list[tuple[Rows, Floats]] = [no_answers] * len(gallery.queries)
        for positions, narrowing in self._batches(gallery):
            ranked = self._rank(gallery.queries[positions], gallery.depth, narrowing)
            for position, query_ranked in zip(positions, ranked, strict=True):
                answers[position] = self._wrong_first(query_ranked, gallery.right[position])
        return collect(answers, gallery.right, gallery.depth)

    def _batches(self, gallery: Gallery) -> list[tuple[Rows, PreparedFilter]]:
        """Positions of the queries that are searched together, and the listings that they are searched in."""
        if gallery.categories is None:
            positions = np.arange(len(gallery.queries))
            starts = range(0, len(positions), BLOCK)
            return [(positions[start : start + BLOCK], ALL_LISTINGS) for start in starts]
        categories = np.array(gallery.categories, dtype=object)
        return [
            (
                np.flatnonzero(categories == name),
                self.engine.prepare_filter(Filter(where=f"category = {_quoted(name)}")),
            )
            for name in sorted(set(gallery.categories))
        ]

    def _rank(self, queries: Rows, k: int, narrowing: PreparedFilter) -> Sequence[Ranked]:
        if self.query_rows is not None:
            return self.engine.ranker.rank_rows(self.query_rows[queries], k, narrowing)
        other_values: list[str | None] = [None] * len(queries)
        return self.engine.ranker.rank(self.queries.take(queries), k, narrowing.for_values(other_values))

    def _wrong_first(self, ranked: Ranked, right: Rows) -> tuple[Rows, Floats]:
        rows = self.task_rows[ranked.rows]
        order = np.lexsort((np.isin(rows, right), -ranked.joint, -ranked.scores))
        return rows[order], ranked.scores[order]


def _quoted(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
