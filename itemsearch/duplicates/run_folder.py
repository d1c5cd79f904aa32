"""The folder that `itemsearch duplicates` writes: its file names, its format, and how to read it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.duplicates.pairs.decide import TierEstimates
from itemsearch.errors import ReviewError

PAIRS, GROUPS = "pairs.parquet", "groups.parquet"
SPREADSHEET, CHANGES, RUN = "groups.csv", "changes.json", "run.json"
REPORT = "report.html"
"""The command makes it from the other files, see `itemsearch.review.report`."""
FORMAT = 3
"""Of `run.json` and `pairs.parquet`; raised when older ones can no longer be read."""
AGAIN = "run `itemsearch duplicates` again"


@dataclass(frozen=True, slots=True)
class DuplicateTables:
    """The result of a run. listings: of the index. pairs, groups: of `PAIRS_SCHEMA` and `GROUPS_SCHEMA`."""

    listings: pa.Table
    pairs: pa.Table
    groups: pa.Table


@dataclass(frozen=True, slots=True)
class WeakPair:
    """A duplicate of a low probability, for a person to check."""

    id_a: str
    id_b: str
    probability: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """Counts of a run.

    rows: listings that pass the filter. joined: of these, the listings that were joined: all, or the new and
    changed ones. compared: pairs whose evidence was measured. pairs: by decision. groups: by tier. listings:
    in groups. changes: groups by kind of change (new, merged, split, gone, changed). weakest: the duplicates
    of the lowest probabilities. estimates: of the precision and recall of the pairs that nobody decided, and
    labels: how many they rest on beside the catalog itself. expected: how many of the compared pairs are one
    product, by their probabilities. columns: carried columns that are evidence.
    """

    rows: int
    joined: int
    compared: int
    pairs: Mapping[str, int]
    groups: Mapping[str, int]
    listings: int
    changes: Mapping[str, int]
    weakest: tuple[WeakPair, ...]
    estimates: TierEstimates
    expected: float
    labels: int
    columns: tuple[str, ...]


def read_tables(folder: Path, listings: pa.Table) -> DuplicateTables:
    """Reads the tables in a folder of `itemsearch duplicates`.

    Raises:
        ReviewError: the tables cannot be read.
    """
    try:
        return DuplicateTables(listings, *(pq.read_table(folder / name) for name in (PAIRS, GROUPS)))
    except (OSError, pa.ArrowException) as error:
        raise ReviewError(f"{folder}: {error}; {AGAIN}") from error


def read_run(folder: Path) -> dict[str, Any]:
    """Reads `run.json`, which names the index, its version and the settings of the run.

    Raises:
        FileNotFoundError: the folder has none.
        ValueError: it is damaged, or an older version of itemsearch wrote it; the message says how to go on.
    """
    path = folder / RUN
    try:
        run = json.loads(path.read_text("utf-8"))
        written = run.get("format", 1)
        Path(run["index"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: damaged ({error}); {AGAIN}") from error
    if written != FORMAT:
        raise ValueError(
            f"{path}: written by another version of itemsearch (format {written}, not {FORMAT}); {AGAIN}"
        )
    return dict(run)


def index_of(folder: Path, run: Mapping[str, Any]) -> Path:
    """The index of a run, whose path is stored as seen from the run's folder: both can be moved together."""
    return Path(os.path.normpath(folder.resolve() / run["index"]))
