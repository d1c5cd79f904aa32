"""Defines, reads and writes search parameters and their measurement.

A `Tuning` is stored in `search.json`, beside the other files of an index; searches take their parameters
from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from itemsearch.indexes.errors import DamagedIndexError
from itemsearch.indexes.types import IndexSpec, Target

TUNING = "search.json"


@dataclass(frozen=True, slots=True)
class SearchParams:
    """nprobe: inverted lists visited for each query. candidates: distinct vectors ranked exactly for each
    query."""

    nprobe: int
    candidates: int


def default_params(spec: IndexSpec, k: int) -> SearchParams:
    """The parameters of an index that is not tuned: ten candidates for each result, and 100 more."""
    return SearchParams(spec.nprobe, 100 + 10 * k)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A measurement of one index with one set of search parameters, on `queries` queries.

    recall: k-recall@k, 0 to 1. mean_ms, p99_ms: milliseconds of a query alone in one thread.
    queries_per_second: of all queries in one call, in all threads. bytes_per_vector: of the index.
    """

    spec: str
    params: SearchParams
    queries: int
    recall: float
    mean_ms: float
    p99_ms: float
    queries_per_second: float
    bytes_per_vector: float

    def meets(self, target: Target) -> bool:
        return self.recall >= target.recall and self.fits(target)

    def fits(self, target: Target) -> bool:
        return target.max_ms is None or self.p99_ms <= target.max_ms


@dataclass(frozen=True, slots=True)
class Tuning:
    """The result of tuning an index to a target.

    chosen: the fastest point that meets the target, measured on queries that did not choose it; if none meets
    it, the best point. points: the front of recall and time, none both slower and worse than another.
    measured: the time of the measurement (ISO 8601).
    """

    target: Target
    chosen: OperatingPoint
    points: tuple[OperatingPoint, ...]
    measured: str

    @property
    def reached(self) -> bool:
        return self.chosen.meets(self.target)

    def params(self, k: int) -> SearchParams:
        """The parameters to search k results: the chosen ones, scaled up if k exceeds that of the target.

        Candidates grow in proportion to k and lists with its square root, because farther neighbours are in
        more lists: recall@120 of an index tuned at 10 is .86 with more lists, .78 without.
        """
        chosen, times = self.chosen.params, max(k / self.target.at, 1)
        return SearchParams(math.ceil(chosen.nprobe * math.sqrt(times)), math.ceil(chosen.candidates * times))


def save_tuning(folder: Path, tuning: Tuning) -> None:
    """Writes `search.json`."""
    (folder / TUNING).write_text(json.dumps(asdict(tuning), indent=1), "utf-8")


def read_tuning(folder: Path) -> Tuning | None:
    """Reads `search.json`; None if the index was never tuned.

    Raises:
        DamagedIndexError: `search.json` is not whole.
    """
    try:
        fields = json.loads((folder / TUNING).read_text("utf-8"))
        return Tuning(
            Target(**fields["target"]),
            _point(fields["chosen"]),
            tuple(map(_point, fields["points"])),
            fields["measured"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndexError(f"{folder / TUNING}: damaged ({error}); build the index again") from error


def _point(fields: dict[str, Any]) -> OperatingPoint:
    return OperatingPoint(**{**fields, "params": SearchParams(**fields["params"])})
