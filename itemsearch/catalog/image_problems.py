"""Counts the listings that have a picture which cannot be used, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from itemsearch.types import Listing


@dataclass(frozen=True, slots=True)
class ImageProblemCount:
    """How many listings have a picture that cannot be used, for one reason. example: the first of them."""

    listings: int
    example: str


class ImageProblemTally:
    """Counts listings as they are read, those that are known already too."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, listings: Iterable[Listing]) -> None:
        for listing in listings:
            if problem := listing.image_problem:
                reason = problem.reason.value
                self._counts[reason] += 1
                if reason not in self._examples:
                    place = f"row {listing.row}, id {listing.id!r}: {problem.place}"
                    self._examples[reason] = f"{place}: {problem.message}"

    def counts(self) -> dict[str, ImageProblemCount]:
        """By reason, the most frequent first."""
        return {
            reason: ImageProblemCount(count, self._examples[reason])
            for reason, count in self._counts.most_common()
        }
