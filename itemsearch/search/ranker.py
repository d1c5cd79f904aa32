"""From candidates to an answer: the index finds them by the joint embedding, the evidence ranks them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.searching.allowed import Limits
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.searching.within import search_within
from itemsearch.ranking.evidence import EvidenceReader, ListingArrays
from itemsearch.ranking.ranking import Ranking
from itemsearch.search.narrow import NOT_NARROWED, Narrowing

SPARE_CANDIDATES = 100
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Ranked:
    """One query's answer, best first; all (k,). NaN in title and image stands for a missing modality."""

    rows: Rows
    scores: Floats
    joint: Floats
    title: Floats
    image: Floats


@dataclass(frozen=True, slots=True)
class Judgement:
    """What weighs the evidence; an index of brought vectors, or of an uncalibrated model, has none."""

    reader: EvidenceReader
    ranking: Ranking


class Ranker:
    """Ranks the products of an index for queries."""

    def __init__(self, index: VectorIndex, listings: pa.Table, judgement: Judgement | None) -> None:
        self.index = index
        self.listings = listings
        self.judgement = judgement

    def rank(self, asked: ListingArrays, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """An answer for each of Q listings, by score; equal scores by joint cosine, then by tie rank."""
        if self.judgement is None:
            return self.rank_by_vector(asked.vectors, k, limits)
        candidates = min(2 * k + SPARE_CANDIDATES, len(self.index.vectors))
        rows = search_within(self.index, asked.vectors, candidates, limits)[1]
        return [
            self._judge(self.judgement, asked.one(place), near[near >= 0], k)
            for place, near in enumerate(rows)
        ]

    def rank_by_vector(self, vectors: Floats, k: int, limits: Limits = NO_LIMITS) -> list[Ranked]:
        """An answer for each of (Q, E) vectors: the score is the joint cosine."""
        scores, rows = search_within(self.index, vectors, min(k, len(self.index.vectors)), limits)
        answers = []
        for score, row in zip(scores, rows, strict=True):
            found, unknown = row >= 0, np.full((row >= 0).sum(), np.nan, np.float32)
            answers.append(Ranked(row[found], score[found], score[found], unknown, unknown))
        return answers

    def rank_rows(self, rows: Rows, k: int, narrowing: Narrowing = NOT_NARROWED) -> list[Ranked]:
        """An answer for each of (Q,) products of the index, itself left out."""
        limits = narrowing.for_rows(rows)
        if self.judgement is None:
            return self.rank_by_vector(self.index.vectors[rows], k, limits)
        return self.rank(self._listings(rows), k, limits)

    def _listings(self, rows: Rows) -> ListingArrays:
        titles = self.listings["title"].take(pa.array(rows)).to_pylist()
        has_image = self.listings["has_image"].take(pa.array(rows)).to_numpy(zero_copy_only=False)
        return ListingArrays(self.index.vectors[rows], [title or "" for title in titles], has_image)

    def _judge(self, judgement: Judgement, query: ListingArrays, rows: Rows, k: int) -> Ranked:
        evidence = judgement.reader.compare(query, self._listings(rows))
        scores = judgement.ranking.score(evidence)
        best = np.lexsort((self.index.tie_rank[rows], -evidence.joint, -scores))[:k]
        return Ranked(
            rows[best], scores[best], evidence.joint[best], evidence.title[best], evidence.image[best]
        )
