"""Opens an index folder and answers queries from it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.errors import UnknownIdError
from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.storage.vectors import StoredVectors, map_array
from itemsearch.indexes.storage.versions import Version, read_version
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.answers import checked_k, checked_title, make_result
from itemsearch.search.filter import ALL_LISTINGS, NO_FILTER, Filter, PreparedFilter
from itemsearch.search.folder import (
    ID_ORDER,
    IndexSummary,
    index_errors,
    read_listings,
    read_score_model,
    summarise,
)
from itemsearch.search.query_vectors import encode_queries, load_encoder, read_image, unit_vectors
from itemsearch.search.ranker import Ranked, Ranker
from itemsearch.search.results import Result
from itemsearch.types import Query

if TYPE_CHECKING:
    from PIL import Image

    from itemsearch.embed.encoder import Encoder


KEPT_FILTERS = 8
"""Filters whose evaluation is kept, about 20 bytes for each allowed row."""


class Engine:
    """An open version of an index, mapped from its files, which may be removed from then on.

    Searching by id or by embedding loads no torch; by title or image loads the model once. id_order: (N,)
    int64, the rows in order of id. model, device: as in `open`.
    """

    def __init__(
        self, summary: IndexSummary, ranker: Ranker, id_order: Rows, model: str = "", device: str = "auto"
    ) -> None:
        self.summary = summary
        self.ranker = ranker
        self.id_order = id_order
        self.model = model
        self.device = device
        # Not a method: an engine that its cache referred to would stay until the garbage is collected.
        self._prepare = lru_cache(KEPT_FILTERS)(
            lambda filter: PreparedFilter.of(filter, ranker.listings, ranker.index)
        )

    @classmethod
    def open(cls, folder: str | Path, model: str = "", device: str = "auto") -> Self:
        """Opens the current version of an index folder.

        Args:
            folder: what `itemsearch index build --out` made.
            model: the model for titles and images; by default the one that made the index.
            device: where that model computes: "auto", "cpu" or "cuda".

        Raises:
            IndexFolderError: there is no index, or it is damaged.
        """
        root = Path(folder)
        with index_errors(root):
            return read_version(root, lambda version: cls.open_version(root, version, model, device))

    @classmethod
    def open_version(cls, folder: Path, version: Version, model: str = "", device: str = "auto") -> Self:
        """Opens a version of an index folder, published or staged.

        Raises:
            VectorIndexError: it is damaged.
            IndexFolderError: another version of itemsearch built it.
        """
        summary = summarise(folder, version)
        listings = read_listings(version.folder)
        score_model = read_score_model(version.folder, summary.model)
        ranker = Ranker(VectorIndex.open(version.folder), listings, score_model)
        return cls(summary, ranker, map_array(version.folder / ID_ORDER), model, device)

    def reopened(self) -> Self:
        """Opens the version that is current by now; it shares a loaded encoder that made its index too.

        Raises:
            IndexFolderError: there is no index, or it is damaged.
        """
        opened = type(self).open(self.folder, self.model, self.device)
        made_by = opened.summary.model
        if made_by and "encoder" in self.__dict__ and made_by.fingerprint == self.encoder.fingerprint:
            opened.encoder = self.encoder
        return opened

    @property
    def folder(self) -> Path:
        """The index folder."""
        return Path(self.summary.folder)

    @property
    def listings(self) -> pa.Table:
        """The catalog's columns and the store's, without embeddings: a row a listing."""
        return self.ranker.listings

    @property
    def index(self) -> VectorIndex:
        """The index of the vectors."""
        return self.ranker.index

    @property
    def vectors(self) -> StoredVectors:
        """(N, E) of length 1, in the order of `listings`; rows of it are float32."""
        return self.ranker.index.vectors

    @property
    def score_model(self) -> ScoreModel | None:
        """What computes match scores; None where the score is the joint cosine."""
        return self.ranker.score_model

    def search(
        self,
        *,
        id: str | None = None,
        title: str = "",
        image: str | Path | Image.Image | None = None,
        k: int = 10,
        min_score: float = -1.0,
        where: str = "",
        other: str = "",
    ) -> Result:
        """Finds the k listings most like that of an `id`, itself left out, or like a title and/or image.

        Args:
            where, other: the conditions that results have to meet, as in `Filter`; `other` compares with the
                listing of `id`.

        Raises:
            UsageError: k is below 1, neither or both of id and title/image are given, the title is no title
                (`is_no_title`), or the filter cannot be evaluated.
            UnknownIdError: the index does not hold the id.
            ImageError: the image cannot be read.
            ModelMismatchError: the model is not the one that made the index.
        """
        filter = Filter(where, other)
        title = checked_title(id, title, image is not None, other)
        if id is not None:
            return self.search_rows([self.row_of(id)], k, min_score, filter)[0]
        if isinstance(image, str | Path):
            image = read_image(image)
        query = Query(1, "", title, image, None)
        return self.search_many([query], k, min_score, filter)[0]

    def search_rows(
        self, rows: Sequence[int], k: int = 10, min_score: float = -1.0, filter: Filter = NO_FILTER
    ) -> list[Result]:
        """Searches for Q listings of the index, each left out of its own result; `query_id` is its id.

        Raises:
            UsageError: k is below 1, or the filter cannot be evaluated.
        """
        chosen = np.array(rows, np.int64)
        with index_errors(self.folder):
            ranked = self.ranker.rank_rows(chosen, checked_k(k), self.prepare_filter(filter))
        ids = read_texts(self.listings, "id", chosen)
        return [make_result(self.listings, id, each, min_score) for id, each in zip(ids, ranked, strict=True)]

    def search_many(
        self, queries: Sequence[Query], k: int = 10, min_score: float = -1.0, filter: Filter = NO_FILTER
    ) -> list[Result]:
        """Searches for Q queries; returns Q results in their order.

        Where the filter names a column to differ in, `Query.other` is the query's value of it.

        Raises:
            UsageError: k is below 1, an embedding is not of the index's length, or the filter cannot be
                evaluated.
            ModelMismatchError: a query has no embedding, and the model is not the one that made the index.
        """
        described = [query for query in queries if query.embedding is None]
        embedded = [query for query in queries if query.embedding is not None]
        prepared = self.prepare_filter(filter)
        ranked: dict[int, Ranked] = {}
        with index_errors(self.folder):
            if described:
                limits = prepared.for_values([query.other for query in described])
                rankings = self.ranker.rank(encode_queries(self.encoder, described), checked_k(k), limits)
                ranked.update(zip(map(id, described), rankings, strict=True))
            if embedded:
                limits = prepared.for_values([query.other for query in embedded])
                rankings = self.ranker.rank_by_vector(
                    unit_vectors(self.summary, embedded), checked_k(k), limits
                )
                ranked.update(zip(map(id, embedded), rankings, strict=True))
        return [make_result(self.listings, query.id, ranked[id(query)], min_score) for query in queries]

    def prepare_filter(self, filter: Filter) -> PreparedFilter:
        """Evaluates a filter; keeps the last ones, since a file of queries uses one for each of its batches,
        and clients of the service use few.

        Raises:
            UsageError: the condition cannot be evaluated, or there is no such column.
        """
        return ALL_LISTINGS if filter == NO_FILTER else self._prepare(filter)

    def find_row(self, id: str) -> int | None:
        """The row of a listing, by bisection of `id_order`; None where the index does not hold the id."""
        ids = self.listings["id"]
        place = bisect.bisect_left(self.id_order, id, key=lambda row: ids[int(row)].as_py())
        if place == len(self.id_order) or ids[int(self.id_order[place])].as_py() != id:
            return None
        return int(self.id_order[place])

    def row_of(self, id: str) -> int:
        """The row of a listing.

        Raises:
            UnknownIdError: the index does not hold the id.
        """
        row = self.find_row(id)
        if row is None:
            raise UnknownIdError(
                f"id {id!r} is not in {self.folder}: it holds {self.summary.rows:,} listings"
            )
        return row

    @cached_property
    def encoder(self) -> Encoder:
        """The model that made the index.

        Raises:
            ModelMismatchError: the index was built from external embeddings, or by another model.
            ModelError: the model cannot be loaded.
        """
        return load_encoder(self.summary, self.model, self.device)
