"""Accounts for every address of a run: counts, examples of what failed, and the table of failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from itemsearch.fetch.types import FetchReport, Outcome, Result
from itemsearch.indexes.progress import Progress


@dataclass(slots=True)
class Account:
    """Counts what became of `total` addresses."""

    total: int
    progress: Progress
    counts: Counter[Result] = field(default_factory=Counter)
    resumed: int = 0
    bytes: int = 0
    failed: list[Outcome] = field(default_factory=list)

    def resume(self, result: Result | None) -> bool:
        if result is not None:
            self.counts[result] += 1
            self.resumed += 1
        return result is not None

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.result] += 1
        if outcome.result is Result.FAILED:
            self.failed.append(outcome)
        elif outcome.result is Result.DOWNLOADED and outcome.picture is not None:
            self.bytes += outcome.picture.bytes
        failed = len(self.failed)
        self.progress(
            "pictures fetched", self.counts.total(), self.total, f"{failed:,} failed" if failed else ""
        )

    def report(self, seconds: float) -> FetchReport:
        assert self.total == self.counts.total(), f"{self.total} addresses, {self.counts} accounted for"
        examples = {each.reason: f"{each.address}: {each.error}" for each in reversed(self.failed)}
        reasons = dict(Counter(each.reason for each in self.failed).most_common())
        return FetchReport(
            addresses=self.total,
            downloaded=self.counts[Result.DOWNLOADED],
            unchanged=self.counts[Result.UNCHANGED],
            failed=self.counts[Result.FAILED],
            kept=sum(each.picture is not None for each in self.failed),
            resumed=self.resumed,
            reasons=reasons,
            examples={reason: examples[reason] for reason in reasons},
            bytes=self.bytes,
            seconds=seconds,
        )

    def failures(self) -> pa.Table:
        """A row for each address that failed. kept: whether it has the picture of an earlier run."""
        failed = self.failed
        return pa.table(
            {
                "address": pa.array([each.address for each in failed], pa.string()),
                "reason": pa.array([each.reason for each in failed], pa.string()),
                "status": pa.array([each.status or None for each in failed], pa.int64()),
                "error": pa.array([each.error for each in failed], pa.string()),
                "kept": pa.array([each.picture is not None for each in failed], pa.bool_()),
                "checked": pa.array([_iso(each.checked) for each in failed], pa.string()),
            }
        )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
