"""Writes the folder of a run of `itemsearch duplicates`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.duplicates.groups.groups_csv import write_groups_csv
from itemsearch.duplicates.groups.history import Changes
from itemsearch.duplicates.run_folder import (
    CHANGES,
    GROUPS,
    PAIRS,
    REPORT,
    RUN,
    SPREADSHEET,
    DuplicateTables,
)
from itemsearch.indexes.durable import replace_file, replacing


def write_run(out: Path, tables: DuplicateTables, changes: Changes, described: Mapping[str, Any]) -> None:
    """Writes the tables, the changes and, last, `run.json`: a folder that has it is complete."""
    for stale in (RUN, REPORT):
        (out / stale).unlink(missing_ok=True)
    _write_table(out / PAIRS, tables.pairs)
    _write_table(out / GROUPS, tables.groups)
    write_groups_csv(out / SPREADSHEET, tables.groups, tables.listings)
    _write_json(out / CHANGES, asdict(changes))
    _write_json(out / RUN, described)


def _write_table(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def _write_json(path: Path, value: Any) -> None:
    replace_file(path, json.dumps(value, indent=1, ensure_ascii=False).encode())
