"""The folder that `itemsearch duplicates` writes: its file names, its format, and how to read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

PAIRS, GROUPS = "pairs.parquet", "groups.parquet"
SPREADSHEET, CHANGES, RUN = "groups.csv", "changes.json", "run.json"
REPORT = "report.html"
"""The command makes it from the other files, see `itemsearch.review.report`."""
FORMAT = 2
"""Of `run.json` and `pairs.parquet`; raised when older ones can no longer be read."""
AGAIN = "run `itemsearch duplicates` again"


@dataclass(frozen=True, slots=True)
class DuplicateTables:
    """The result of a run. listings: of the index. pairs, groups: of `PAIRS_SCHEMA` and `GROUPS_SCHEMA`."""

    listings: pa.Table
    pairs: pa.Table
    groups: pa.Table

    @classmethod
    def read(cls, folder: Path, listings: pa.Table) -> Self:
        """Reads the tables of a run; `read_run` checks their format.

        Raises:
            OSError, pa.ArrowException: a table is missing or damaged.
        """
        return cls(listings, *(pq.read_table(folder / name) for name in (PAIRS, GROUPS)))


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
