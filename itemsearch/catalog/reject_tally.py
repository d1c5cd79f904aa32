"""Counts rejects by reason, with an example of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from itemsearch.types import Reject, RejectReason

MOST_REASONS = 5

E = TypeVar("E", bound=Exception)


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows were rejected for a reason. example: the first of them, its id and what to mend."""

    reason: str
    rows: int
    example: str

    def __str__(self) -> str:
        return f"{self.rows:,} {self.reason}, such as {self.example}"


@dataclass(slots=True)
class RejectTally:
    """The rejects so far, by reason."""

    counts: Counter[RejectReason] = field(default_factory=Counter)
    first: dict[RejectReason, Reject] = field(default_factory=dict)

    def add(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            self.counts[reject.reason] += 1
            self.first.setdefault(reject.reason, reject)

    def most_frequent(self) -> tuple[ReasonCount, ...]:
        """The `MOST_REASONS` most frequent reasons; of equal counts, the one met first."""
        return tuple(
            ReasonCount(reason.value, count, _describe(self.first[reason]))
            for reason, count in self.counts.most_common(MOST_REASONS)
        )

    def explain(self, error: E) -> E:
        """`error`, with the most frequent reasons as its notes."""
        for each in self.most_frequent():
            error.add_note(str(each))
        return error


def _describe(reject: Reject) -> str:
    return f"row {reject.row}, id {reject.id!r:.60}: {reject.message}"
