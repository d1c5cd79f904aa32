"""The results of a search: a `Result` for each query, a `Hit` for each listing in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A listing in the result of a query.

    rank: 1 for the first.
    score: the match score, 0 to 1, by which hits are ranked; the joint cosine where the query is an embedding
        or the index has no ranking. A listing that cannot be compared with the query has the least: 0 or -1.
    joint: the cosine of the two embeddings, -1 to 1.
    title_similarity: the cosine of the titles' n-grams, 0 to 1; None where one of the two has no title, or
        the score is the joint cosine.
    image_similarity: the cosine of the image parts of the two embeddings, -1 to 1; None likewise.
    title, category: the listing's, "" where it has none.
    """

    rank: int
    id: str
    score: float
    joint: float
    title_similarity: float | None
    image_similarity: float | None
    title: str
    category: str


@dataclass(frozen=True, slots=True)
class Result:
    """The hits of one query, by falling score; equal scores by joint cosine, then by id.

    incomparable: of the listings whose embeddings are nearest to the query's, how many cannot be compared
    with it: they have no title where it has only a title, or no image where it has only an image. None of
    them is ranked above a listing that can. candidates: how many listings were compared with the query.
    """

    query_id: str
    hits: tuple[Hit, ...]
    incomparable: int
    candidates: int
