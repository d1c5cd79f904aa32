"""Answers queries from an index folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from itemsearch.errors import ImageError, ModelMismatchError, UnknownIdError, UsageError
from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.search.folder import IndexSummary, find_row, index_errors, open_current
from itemsearch.search.narrow import ALL_PRODUCTS, NOT_NARROWED, Filter, Narrowing
from itemsearch.search.ranker import Ranked, Ranker
from itemsearch.search.results import Hit, SearchResult
from itemsearch.types import Query

if TYPE_CHECKING:
    from PIL import Image

    from itemsearch.embed.encoder import ListingEncoder


class Engine:
    """An open index. Searching by id or by vector loads no torch; by title or image loads the model once."""

    def __init__(
        self,
        summary: IndexSummary,
        ranker: Ranker,
        id_order: Rows,
        model: str = "",
        device: str = "auto",
    ) -> None:
        self.summary = summary
        self.ranker = ranker
        self.id_order = id_order
        self.model = model
        self.device = device
        self._narrowed = (ALL_PRODUCTS, NOT_NARROWED)

    @classmethod
    def open(cls, folder: str | Path, model: str = "", device: str = "auto") -> Self:
        """Opens the current version of an index folder.

        Args:
            folder: what `itemsearch index build --out` made.
            model: the model for titles and images; by default the one that made the index.
            device: where that model computes: "auto", "cpu" or "cuda".

        Raises:
            IndexFolderError: no index, or a damaged one.
        """
        with index_errors(Path(folder)):
            version = open_current(Path(folder))
            return cls(version.summary, version.ranker, version.id_order, model, device)

    @property
    def folder(self) -> Path:
        """The index folder."""
        return Path(self.summary.folder)

    @property
    def listings(self) -> pa.Table:
        """The catalog's columns and ours, without embeddings: a row a listing."""
        return self.ranker.listings

    @property
    def vectors(self) -> Vectors:
        """(N, E) float32 of length 1, in the order of `listings`."""
        return self.ranker.index.vectors

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
    ) -> SearchResult:
        """The k products most like one product: that of an `id`, itself left out, or a title and/or picture.

        Args:
            where, other: what results have to be, as in `Filter`; `other` compares with the product of `id`.

        Raises:
            UsageError: k below 1, neither or both of id and title/image, or a filter that is none.
            UnknownIdError: the index does not hold the id.
            ImageError: the picture cannot be read.
            ModelMismatchError: the model is not the one that made the index.
        """
        if (id is not None) == (bool(title.strip()) or image is not None):
            raise UsageError("give either an id, or a title and/or an image")
        wanted = Filter(where, other)
        if id is not None:
            row = np.array([self.row_of(id)])
            with index_errors(self.folder):
                ranked = self.ranker.rank_rows(row, _checked(k), self.narrow(wanted))[0]
            return self._result(id, ranked, min_score)
        if other:
            raise UsageError(f"a title or an image has no {other!r} to differ from: search by id")
        if isinstance(image, str | Path):
            image = _read_picture(image)
        query = Query(1, "", " ".join(title.split()), image, None)
        return self.search_many([query], k, min_score, wanted)[0]

    def search_many(
        self, queries: Sequence[Query], k: int = 10, min_score: float = -1.0, wanted: Filter = ALL_PRODUCTS
    ) -> list[SearchResult]:
        """One result a query, in their order. Results differ from a query's `other` where the filter says so.

        Raises:
            UsageError: k below 1, a vector of another length than the index's, or a filter that is none.
            ModelMismatchError: titles or pictures, and the model is not the one that made the index.
        """
        described = [query for query in queries if query.embedding is None]
        brought = [query for query in queries if query.embedding is not None]
        narrowing = self.narrow(wanted)
        ranked: dict[int, Ranked] = {}
        with index_errors(self.folder):
            if described:
                limits = narrowing.for_values([query.other for query in described])
                answers = self.ranker.rank(self._embedded(described), _checked(k), limits)
                ranked.update(zip(map(id, described), answers, strict=True))
            if brought:
                limits = narrowing.for_values([query.other for query in brought])
                answers = self.ranker.rank_by_vector(self._brought(brought), _checked(k), limits)
                ranked.update(zip(map(id, brought), answers, strict=True))
        return [self._result(query.id, ranked[id(query)], min_score) for query in queries]

    def narrow(self, wanted: Filter) -> Narrowing:
        """The products that a filter leaves; the latest is kept, for a file of queries asks many times.

        Raises:
            UsageError: a condition that is none, or a column that is not there.
        """
        if self._narrowed[0] != wanted:
            self._narrowed = wanted, Narrowing.of(wanted, self.listings, self.ranker.index)
        return self._narrowed[1]

    def row_of(self, id: str) -> int:
        """The row of a product.

        Raises:
            UnknownIdError: the index does not hold the id.
        """
        row = find_row(self.listings, self.id_order, id)
        if row is None:
            raise UnknownIdError(
                f"id {id!r} is not in {self.folder}: it holds {self.summary.rows:,} products"
            )
        return row

    @cached_property
    def encoder(self) -> ListingEncoder:
        """The model that made the index.

        Raises:
            ModelMismatchError: the index was made from a team's own vectors, or by another model.
            ModelError: the model cannot be loaded.
        """
        from itemsearch.embed.encoder import ListingEncoder

        made_by = self.summary.model
        if made_by is None:
            raise ModelMismatchError(
                f"{self.folder} was built from external embeddings: search it by id or by embedding"
            )
        encoder = ListingEncoder.from_pretrained(self.model or made_by.name, self.device)
        if encoder.fingerprint != made_by.fingerprint:
            raise ModelMismatchError(
                f"{self.folder} was made by model {made_by.name} ({made_by.fingerprint[:8]}), not by "
                f"{encoder.name} ({encoder.fingerprint[:8]}): give its own --model, or embed and build again"
            )
        return encoder

    def _embedded(self, queries: Sequence[Query]) -> ListingArrays:
        titles, images = [query.title for query in queries], [query.image for query in queries]
        has_image = np.array([image is not None for image in images])
        return ListingArrays(self.encoder.encode(titles, images), titles, has_image)

    def _brought(self, queries: Sequence[Query]) -> Vectors:
        """(Q, D) of length 1."""
        for query in queries:
            if query.embedding is not None and len(query.embedding) != self.summary.dim:
                raise UsageError(
                    f"query {query.id!r} has an embedding of {len(query.embedding)} numbers; "
                    f"{self.folder} has {self.summary.dim}"
                )
        vectors = np.array([query.embedding for query in queries], np.float32)
        units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return units

    def _result(self, query_id: str, ranked: Ranked, min_score: float) -> SearchResult:
        listings = self._cells(ranked.rows)
        hits = (
            Hit(
                rank=place + 1,
                id=listings["id"][place],
                score=float(ranked.scores[place]),
                joint=float(ranked.joint[place]),
                title_similarity=_known(ranked.title[place]),
                image_similarity=_known(ranked.image[place]),
                title=listings["title"][place] or "",
                category=listings["category"][place] or "",
            )
            for place in range(len(ranked.rows))
            if ranked.scores[place] >= min_score
        )
        return SearchResult(query_id, tuple(hits))

    def _cells(self, rows: Rows) -> dict[str, list[Any]]:
        """Ids, titles and categories of rows; None where the index has no such column."""
        listings, places = self.listings, pa.array(rows)
        return {
            name: listings[name].take(places).to_pylist()
            if name in listings.column_names
            else [None] * len(rows)
            for name in ("id", "title", "category")
        }


def _checked(k: int) -> int:
    if k < 1:
        raise UsageError(f"k is {k}: ask for 1 or more results")
    return k


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


def _read_picture(path: str | Path) -> Image.Image:
    from itemsearch.catalog.images import decode_image, read_image_file  # a search by id need not wait for it

    try:
        return decode_image(read_image_file(Path(path)))
    except ImageError as error:
        raise ImageError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
