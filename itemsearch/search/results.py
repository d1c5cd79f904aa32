"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found; rank counts from 1.

    score: how sure the evidence makes one that it is the same product, 0 to 1; where the model's ranking
        was never calibrated, or the query is a vector, the joint cosine.
    joint: the exact cosine of the embeddings. title, image: of the titles' n-grams and of the pictures' own
        features; None where query or product lacks the modality, or the evidence was not weighed.
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
class SearchResult:
    """The best first; equal scores are in the order of their ids."""

    query_id: str
    hits: tuple[Hit, ...]
