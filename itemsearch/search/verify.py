"""Checks a version of an index: it opens, holds all rows, and each listing finds itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.building.selfcheck import lost_rows
from itemsearch.indexes.errors import DamagedIndexError, VectorIndexError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.storage.versions import Version, verify_version
from itemsearch.search.engine import Engine

SAMPLE_ROWS = 1000

Guard = Callable[[Path, Mapping[str, Any]], None]
"""Takes the arguments of `check_staged`; raises `GateError` when the version must not be published."""


def check_staged(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Checks a version before it is published: `folder` is staged in an index folder.

    Args:
        metadata: what it will be published with.

    Raises:
        GateError: it does not open, lacks rows, or ids of a sample do not find themselves.
    """
    staged = Version(folder, 0, metadata, {})
    try:
        check_rows(Engine.open_version(folder.parent, staged), folder, metadata["rows"])
    except (VectorIndexError, IndexFolderError) as error:
        raise GateError(f"not published, what was current stays: {error}") from error


def check_version(root: Path, version: Version, every: bool = False, progress: Progress = silent) -> int:
    """Hashes the files of a version, then checks its rows; returns how many ids were checked.

    Raises:
        DamagedIndexError: names the file, or the ids that do not find themselves.
        IndexFolderError: another version of itemsearch built it.
    """
    verify_version(version, progress=progress)
    progress("searching for ids")
    return check_rows(Engine.open_version(root, version), version.folder, version.metadata["rows"], every)


def check_rows(engine: Engine, folder: Path, rows: int, every: bool = False) -> int:
    """Checks that a version has `rows` rows, and that ids find themselves or a listing of an equal vector.

    Args:
        folder: the version's, for messages.
        every: checks every id, not a sample of `SAMPLE_ROWS`.

    Returns:
        How many ids were checked.

    Raises:
        DamagedIndexError: names what is wrong.
    """
    counts = {
        "vectors": len(engine.vectors),
        "listings": engine.listings.num_rows,
        "ids": len(engine.id_order),
    }
    for name, count in counts.items():
        if count != rows:
            raise DamagedIndexError(f"{folder}: {count:,} {name} instead of {rows:,}; build the index again")
    rng = np.random.default_rng(0)
    sample = np.arange(rows) if every else np.sort(rng.choice(rows, min(rows, SAMPLE_ROWS), replace=False))
    ids = engine.listings["id"].take(sample).to_pylist()
    for id, row in zip(ids, sample.tolist(), strict=True):
        if engine.find_row(id) != row:
            raise DamagedIndexError(
                f"{folder}: id {id!r} is not where it is looked for; build the index again"
            )
    lost = np.concatenate(list(lost_rows(engine.index, sample)))
    if lost.size:
        first = engine.listings["id"][int(lost[0])].as_py()
        raise DamagedIndexError(
            f"{folder}: {lost.size:,} of {len(sample):,} ids do not find themselves, such as {first!r}; "
            "build the index again"
        )
    return len(sample)
