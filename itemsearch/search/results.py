"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found. rank counts from 1; score is the exact cosine of the joint embeddings, in [-1, 1]."""

    rank: int
    id: str
    score: float
    title: str
    category: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best first; equal scores are in the order of their ids."""

    query_id: str
    hits: tuple[Hit, ...]
