"""Answers queries from an index folder."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexes.search import VectorIndex
from itemsearch.errors import ImageError, ModelMismatchError, UnknownIdError, UsageError
from itemsearch.search.folder import IndexSummary, index_errors, open_version
from itemsearch.search.results import Hit, SearchResult
from itemsearch.types import Query

if TYPE_CHECKING:
    from PIL import Image

    from itemsearch.embed.encoder import ProductEncoder

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Engine:
    """An open index. Searching by id or by vector loads no torch; by title or image loads the model once."""

    def __init__(
        self,
        summary: IndexSummary,
        index: VectorIndex,
        products: pa.Table,
        id_order: Rows,
        model: str = "",
        device: str = "auto",
    ) -> None:
        self.summary = summary
        self.index = index
        self.products = products
        self.id_order = id_order
        self.model = model
        self.device = device

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
            version = open_version(Path(folder))
            return cls(version.summary, version.index, version.products, version.id_order, model, device)

    def search(
        self,
        *,
        id: str | None = None,
        title: str = "",
        image: str | Path | Image.Image | None = None,
        k: int = 10,
        min_score: float = -1.0,
    ) -> SearchResult:
        """The k products most like one product: that of an `id`, itself left out, or a title and/or picture.

        Raises:
            UsageError: k below 1, or neither or both of id and title/image.
            UnknownIdError: the index does not hold the id.
            ImageError: the picture cannot be read.
            ModelMismatchError: the model is not the one that made the index.
        """
        if (id is not None) == (bool(title.strip()) or image is not None):
            raise UsageError("give either an id, or a title and/or an image")
        if id is not None:
            row = self.row_of(id)
            found = self._nearest(self.index.vectors[row : row + 1], k, np.array([row], np.int64))
            return self._result(id, *found, min_score=min_score)
        if isinstance(image, str | Path):
            image = _read_picture(image)
        return self.search_many([Query(1, "", " ".join(title.split()), image, None)], k, min_score)[0]

    def search_many(
        self, queries: Sequence[Query], k: int = 10, min_score: float = -1.0
    ) -> list[SearchResult]:
        """One result a query, in their order.

        Raises:
            UsageError: k below 1, or a vector of another length than the index's.
            ModelMismatchError: titles or pictures, and the model is not the one that made the index.
        """
        if not queries:
            return []
        scores, rows = self._nearest(self._vectors(queries), k, None)
        return [
            self._result(query.id, scores[place : place + 1], rows[place : place + 1], min_score=min_score)
            for place, query in enumerate(queries)
        ]

    def row_of(self, id: str) -> int:
        """The row of a product.

        Raises:
            UnknownIdError: the index does not hold the id.
        """
        ids = self.products["id"]
        place = bisect.bisect_left(self.id_order, id, key=lambda row: ids[int(row)].as_py())
        row = int(self.id_order[min(place, len(self.id_order) - 1)])
        if ids[row].as_py() != id:
            raise UnknownIdError(
                f"id {id!r} is not in {self.summary.folder}: it holds {self.summary.rows:,} products"
            )
        return row

    @cached_property
    def encoder(self) -> ProductEncoder:
        """The model that made the index.

        Raises:
            ModelMismatchError: the index was made from a team's own vectors, or by another model.
            ModelError: the model cannot be loaded.
        """
        from itemsearch.embed.encoder import ProductEncoder

        made_by = self.summary.model
        if made_by is None:
            raise ModelMismatchError(
                f"{self.summary.folder} was built from brought vectors: search it by id or by embedding"
            )
        encoder = ProductEncoder.from_pretrained(self.model or made_by.name, self.device)
        if encoder.fingerprint != made_by.fingerprint:
            raise ModelMismatchError(
                f"{self.summary.folder} was made by model {made_by.name} ({made_by.fingerprint[:8]}), not by "
                f"{encoder.name} ({encoder.fingerprint[:8]}): give its own --model, or embed and build again"
            )
        return encoder

    def _vectors(self, queries: Sequence[Query]) -> Vectors:
        """(Q, D) of length 1: brought vectors as they are, the rest through the model."""
        vectors = np.empty((len(queries), self.summary.dim), np.float32)
        described = []
        for place, query in enumerate(queries):
            if query.embedding is None:
                described.append(place)
            elif len(query.embedding) != self.summary.dim:
                raise UsageError(
                    f"query {query.id!r} has an embedding of {len(query.embedding)} numbers; "
                    f"{self.summary.folder} has {self.summary.dim}"
                )
            else:
                vectors[place] = query.embedding / np.linalg.norm(query.embedding)
        if described:
            titles = [queries[place].title for place in described]
            vectors[described] = self.encoder.encode(titles, [queries[place].image for place in described])
        return vectors

    def _nearest(self, vectors: Vectors, k: int, exclude: Rows | None) -> tuple[Vectors, Rows]:
        if k < 1:
            raise UsageError(f"k is {k}: ask for 1 or more results")
        with index_errors(Path(self.summary.folder)):
            return self.index.search(vectors, min(k, self.summary.rows), exclude=exclude)

    def _result(self, query_id: str, scores: Vectors, rows: Rows, *, min_score: float) -> SearchResult:
        """One query's (1, k) scores and rows, -1 for none, as products."""
        kept = [
            (s, r)
            for s, r in zip(scores[0].tolist(), rows[0].tolist(), strict=True)
            if r >= 0 and s >= min_score
        ]
        hits = tuple(
            Hit(rank, self._cell("id", row), score, self._cell("title", row), self._cell("category", row))
            for rank, (score, row) in enumerate(kept, start=1)
        )
        return SearchResult(query_id, hits)

    def _cell(self, column: str, row: int) -> str:
        if column not in self.products.column_names:
            return ""
        return str(self.products[column][row].as_py() or "")


def _read_picture(path: str | Path) -> Image.Image:
    from itemsearch.catalog.images import decode_image, read_image_file  # a search by id need not wait for it

    try:
        return decode_image(read_image_file(Path(path)))
    except ImageError as error:
        raise ImageError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
