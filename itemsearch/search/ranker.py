"""Ranks the listings of an index: the joint embedding finds candidates, the evidence scores them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.searching.allowed import Limits
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.searching.within import search_within
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.filter import ALL_LISTINGS, PreparedFilter

SPARE_CANDIDATES = 100
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Ranked:
    """The ranking of one query, best first; each array is (k,).

    rows: int64. scores, joint: float32. title_similarity, image_similarity: float32, NaN where one of the two
    has no title or no image, or the score is the joint cosine.
    """

    rows: Rows
    scores: Floats
    joint: Floats
    title_similarity: Floats
    image_similarity: Floats


class Ranker:
    """Ranks the N listings of an index for queries. listings: a row each, as in `Engine.listings`."""

    def __init__(self, index: VectorIndex, listings: pa.Table, score_model: ScoreModel | None) -> None:
        self.index = index
        self.listings = listings
        self.score_model = score_model

    def rank(self, queries: ListingArrays, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """Ranks by score; equal scores by joint cosine, then by id."""
        if self.score_model is None:
            return self.rank_by_vector(queries.vectors, k, limits)
        candidates = min(2 * k + SPARE_CANDIDATES, len(self.index.vectors))
        rows = search_within(self.index, queries.vectors, candidates, limits)[1]
        return [
            self._score(self.score_model, queries.one(place), near[near >= 0], k)
            for place, near in enumerate(rows)
        ]

    def rank_by_vector(self, vectors: Floats, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """Ranks for (Q, E) vectors of length 1, by joint cosine, which is the score too."""
        scores, rows = search_within(self.index, vectors, min(k, len(self.index.vectors)), limits)
        rankings = []
        for query_scores, query_rows in zip(scores, rows, strict=True):
            is_hit = query_rows >= 0
            cosines, unknown = query_scores[is_hit], np.full(is_hit.sum(), np.nan, np.float32)
            rankings.append(Ranked(query_rows[is_hit], cosines, cosines, unknown, unknown))
        return rankings

    def rank_rows(self, rows: Rows, k: int, filter: PreparedFilter = ALL_LISTINGS) -> list[Ranked]:
        """Ranks for (Q,) listings of the index, each left out of its own ranking."""
        limits = filter.for_rows(rows)
        if self.score_model is None:
            return self.rank_by_vector(self.index.vectors[rows], k, limits)
        return self.rank(self.read_listings(rows), k, limits)

    def read_listings(self, rows: Rows) -> ListingArrays:
        """What scores are computed from, of (R,) listings."""
        has_image = self.listings["has_image"].take(pa.array(rows)).to_numpy(zero_copy_only=False)
        return ListingArrays(self.index.vectors[rows], read_texts(self.listings, "title", rows), has_image)

    def _score(self, score_model: ScoreModel, query: ListingArrays, rows: Rows, k: int) -> Ranked:
        evidence = score_model.reader.compare(query, self.read_listings(rows))
        scores = score_model.ranking.score(evidence)
        best = np.lexsort((self.index.tie_rank[rows], -evidence.joint, -scores))[:k]
        return Ranked(
            rows[best],
            scores[best],
            evidence.joint[best],
            evidence.title_similarity[best],
            evidence.image_similarity[best],
        )
