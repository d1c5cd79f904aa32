"""How an index is searched, and what that was measured to give.

`search.json`, beside an index's other files, holds a `Tuning`: searches take their parameters from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from itemsearch.indexes.building.choose import IndexSpec, Target
from itemsearch.indexes.errors import DamagedIndexError

TUNING = "search.json"


@dataclass(frozen=True, slots=True)
class SearchParams:
    """nprobe: inverted lists visited. candidates: different vectors ranked exactly for each query."""

    nprobe: int
    candidates: int


def default_params(spec: IndexSpec, k: int) -> SearchParams:
    """Ten candidates a result and 100 to spare: ranking them exactly costs less than finding them."""
    return SearchParams(spec.nprobe, 100 + 10 * k)


@dataclass(frozen=True, slots=True)
class Point:
    """What one way of searching one index was measured to give, on `queries` queries.

    recall: the share of the true nearest that is found. mean_ms, p99_ms: milliseconds of a query alone in
    one thread. queries_per_second: of all queries at once, in all threads. bytes_per_vector: of the index.
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
    """`chosen` is the cheapest that meets the target, measured on queries that had no part in choosing it;
    where none does, the best found. points: none of them is both slower and worse than another.

    measured: the time (ISO 8601).
    """

    target: Target
    chosen: Point
    points: tuple[Point, ...]
    measured: str

    @property
    def reached(self) -> bool:
        return self.chosen.meets(self.target)

    def params(self, k: int) -> SearchParams:
        """The chosen ones; where more results are asked for, more candidates and, with the root, lists.

        Farther neighbours lie in more lists: recall@120 of an index tuned at 10 is .86 so, .78 without.
        """
        chosen, times = self.chosen.params, max(k / self.target.at, 1)
        return SearchParams(math.ceil(chosen.nprobe * math.sqrt(times)), math.ceil(chosen.candidates * times))


def save_tuning(folder: Path, tuning: Tuning) -> None:
    """Writes `search.json`."""
    (folder / TUNING).write_text(json.dumps(asdict(tuning), indent=1), "utf-8")


def read_tuning(folder: Path) -> Tuning | None:
    """None where an index was never tuned.

    Raises:
        DamagedIndexError: `search.json` is not whole.
    """
    try:
        held = json.loads((folder / TUNING).read_text("utf-8"))
        return Tuning(
            Target(**held["target"]),
            _point(held["chosen"]),
            tuple(map(_point, held["points"])),
            held["measured"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndexError(f"{folder / TUNING}: damaged ({error}); build the index again") from error


def _point(held: dict[str, Any]) -> Point:
    return Point(**{**held, "params": SearchParams(**held["params"])})
