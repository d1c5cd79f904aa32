"""Ranks the listings of an index: the joint embedding finds candidates, the evidence scores them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.indexes.arrays import Floats, Mask, Rows, unique
from itemsearch.indexes.searching.allowed import Allowed, Limits
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.searching.within import search_within
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.filter import ALL_LISTINGS, PreparedFilter

SPARE_CANDIDATES = 100
NO_LIMITS = Limits()
LEAST_SCORE, LEAST_COSINE = 0.0, -1.0
"""The score of a listing that cannot be compared with the query, with a ranking and without."""
TITLE, IMAGE = np.int8(1), np.int8(2)
"""What a listing has; a listing that has both has their sum."""
Modalities = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The ranking of one query, best first; each array is (k,).

    rows: int64. scores, joint: float32. title_similarity, image_similarity: float32, NaN where one of the two
    has no title or no image, or the score is the joint cosine. incomparable: of the listings whose embeddings
    are nearest, how many cannot be compared with the query: they have no title where it has only a title, or
    no image where it has only an image. Those among the k come last and have the least score. candidates:
    how many listings the evidence was computed of.
    """

    rows: Rows
    scores: Floats
    joint: Floats
    title_similarity: Floats
    image_similarity: Floats
    incomparable: int
    candidates: int


@dataclass(frozen=True, slots=True)
class _Near:
    """The rows nearest to a query, nearest first, and their cosines with it."""

    rows: Rows
    cosines: Floats

    @classmethod
    def where(cls, mask: Mask, rows: Rows, cosines: Floats) -> Self:
        return cls(rows[mask], cosines[mask])


class Ranker:
    """Ranks the N listings of an index for queries. listings: a row each, as in `Engine.listings`."""

    def __init__(self, index: VectorIndex, listings: pa.Table, score_model: ScoreModel | None) -> None:
        self.index = index
        self.listings = listings
        self.score_model = score_model
        self._allowed: dict[int, tuple[Allowed | None, Allowed]] = {}

    @cached_property
    def modalities(self) -> Modalities | None:
        """(N,) the sum of `TITLE` and `IMAGE` of what each listing has.

        None where the index has no such columns, as of external embeddings: then all can be compared.
        """
        schema = self.listings.schema
        if any(name not in schema.names for name in ("has_title", "has_image")):
            return None
        has_title, has_image = (self.listings[name] for name in ("has_title", "has_image"))
        if not (pa.types.is_boolean(has_title.type) and pa.types.is_boolean(has_image.type)):
            return None
        modalities: Modalities = TITLE * has_title.to_numpy().view(np.int8)
        modalities += IMAGE * has_image.to_numpy().view(np.int8)
        return modalities

    def rank(self, queries: ListingArrays, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """Ranks by score; equal scores by joint cosine, then by id. What cannot be compared comes last."""
        candidates = k if self.score_model is None else 2 * k + SPARE_CANDIDATES
        near = self._search(queries, min(candidates, len(self.index.vectors)), limits)
        return [self._rank_near(queries.one(place), *each, k) for place, each in enumerate(near)]

    def rank_by_vector(self, vectors: Floats, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """Ranks for (Q, E) vectors of length 1, by joint cosine, which is the score too."""
        scores, rows = search_within(self.index, vectors, min(k, len(self.index.vectors)), limits)
        return [
            _by_cosine(query_rows[query_rows >= 0], query_scores[query_rows >= 0])
            for query_scores, query_rows in zip(scores, rows, strict=True)
        ]

    def rank_rows(self, rows: Rows, k: int, filter: PreparedFilter = ALL_LISTINGS) -> list[Ranked]:
        """Ranks for (Q,) listings of the index, each left out of its own ranking."""
        limits = filter.for_rows(rows)
        if self.score_model is None and self.modalities is None:
            return self.rank_by_vector(self.index.vectors[rows], k, limits)
        return self.rank(self.read_listings(rows), k, limits)

    def read_listings(self, rows: Rows) -> ListingArrays:
        """What scores are computed from, of (R,) listings."""
        assert self.modalities is not None, "scores are computed of listings of a store"
        has_image = (self.modalities[rows] & IMAGE) > 0
        return ListingArrays(self.index.vectors[rows], read_texts(self.listings, "title", rows), has_image)

    def _search(self, queries: ListingArrays, count: int, limits: Limits) -> list[tuple[_Near, _Near]]:
        """Of each query, the `count` nearest rows that can be compared with it, and those among the nearest
        that cannot. Where there are any, the query is searched again among the others alone."""
        vectors, modalities = queries.vectors, self.modalities
        cosines, rows = search_within(self.index, vectors, count, limits)
        if modalities is None:
            modalities = np.full(len(self.index.vectors), TITLE + IMAGE, np.int8)
        own = TITLE * np.array([bool(title) for title in queries.titles], np.int8) + IMAGE * queries.has_image
        apart = (rows >= 0) & (modalities[rows] & own[:, None] == 0)
        left = [_Near.where(*each) for each in zip(apart, rows, cosines, strict=True)]
        again = np.flatnonzero(apart.any(axis=1))
        for modality in unique(own[again]):
            places = again[own[again] == modality]
            allowed = self._comparable(int(modality), modalities & modality > 0, limits.allowed)
            within = replace(_limits_of(limits, places), allowed=allowed)
            cosines[places], rows[places] = search_within(self.index, vectors[places], count, within)
        near = [_Near.where(*each) for each in zip(rows >= 0, rows, cosines, strict=True)]
        return list(zip(near, left, strict=True))

    def _comparable(self, modality: int, mask: Mask, allowed: Allowed | None) -> Allowed:
        """The allowed rows that are in a mask; the last of each modality is kept for the next queries."""
        last = self._allowed.get(modality)
        if last is None or last[0] is not allowed:
            within = self.index.allow(mask if allowed is None else mask & allowed.mask)
            self._allowed[modality] = last = (allowed, within)
        return last[1]

    def _rank_near(self, query: ListingArrays, near: _Near, apart: _Near, k: int) -> Ranked:
        if self.score_model is None:
            ranked, least = _by_cosine(near.rows[:k], near.cosines[:k]), LEAST_COSINE
        else:
            ranked, least = self._score(self.score_model, query, near.rows, k), LEAST_SCORE
        count = min(k - len(ranked.rows), len(apart.rows))
        unknown = np.full(count, np.nan, np.float32)
        return Ranked(
            np.append(ranked.rows, apart.rows[:count]),
            np.append(ranked.scores, np.full(count, least, np.float32)),
            np.append(ranked.joint, apart.cosines[:count]),
            np.append(ranked.title_similarity, unknown),
            np.append(ranked.image_similarity, unknown),
            len(apart.rows),
            len(near.rows) + len(apart.rows),
        )

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
            incomparable=0,
            candidates=len(rows),
        )


def _by_cosine(rows: Rows, cosines: Floats) -> Ranked:
    unknown = np.full(len(rows), np.nan, np.float32)
    return Ranked(rows, cosines, cosines, unknown, unknown, incomparable=0, candidates=len(rows))


def _limits_of(limits: Limits, places: Rows) -> Limits:
    """The limits of some of the queries."""
    exclude = None if limits.exclude is None else limits.exclude[places]
    return replace(limits, exclude=exclude, own=None if limits.own is None else limits.own[places])
