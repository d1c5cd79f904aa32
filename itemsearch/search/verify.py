"""What a version of an index has to pass: it opens, holds all rows, and finds its own products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.building.selfcheck import lost_rows
from itemsearch.indexes.errors import DamagedIndexError, VectorIndexError
from itemsearch.indexes.storage.versions import Version, verify_version
from itemsearch.search.folder import OpenVersion, find_row, open_version

SAMPLE_ROWS = 1000

Guard = Callable[[Path, Mapping[str, Any]], None]
"""Takes what `check_staged` takes, and raises `GateError` when the version must not be served."""


def check_staged(folder: Path, metadata: Mapping[str, Any]) -> None:
    """The gate: `folder` is staged in an index folder, `metadata` what it will be published with.

    Raises:
        GateError: it does not open, lacks rows, or some of a sample of ids do not find themselves.
    """
    staged = Version(folder, 0, metadata, {})
    try:
        check_rows(open_version(folder.parent, staged), folder, metadata["rows"])
    except (VectorIndexError, IndexFolderError) as error:
        raise GateError(f"not published, what was current stays: {error}") from error


def check_version(root: Path, version: Version, every: bool = False) -> int:
    """Hashes the files of a version, then checks its rows; returns how many ids were looked for.

    Raises:
        DamagedIndexError: names the file, or the ids that do not find themselves.
        IndexFolderError: another version of itemsearch built it.
    """
    verify_version(version)
    return check_rows(open_version(root, version), version.folder, version.metadata["rows"], every)


def check_rows(opened: OpenVersion, folder: Path, rows: int, every: bool = False) -> int:
    """Whether there are `rows` rows, and a sample of ids, or every one, find themselves or an equal vector.

    Raises:
        DamagedIndexError: names what is wrong.
    """
    listings, index = opened.ranker.listings, opened.ranker.index
    counts = {"vectors": len(index.vectors), "listings": listings.num_rows, "ids": len(opened.id_order)}
    for name, count in counts.items():
        if count != rows:
            raise DamagedIndexError(f"{folder}: {count:,} {name} instead of {rows:,}; build the index again")
    rng = np.random.default_rng(0)
    asked = np.arange(rows) if every else np.sort(rng.choice(rows, min(rows, SAMPLE_ROWS), replace=False))
    ids = listings["id"].take(asked).to_pylist()
    for id, row in zip(ids, asked.tolist(), strict=True):
        if find_row(listings, opened.id_order, id) != row:
            raise DamagedIndexError(
                f"{folder}: id {id!r} is not where it is looked for; build the index again"
            )
    lost = np.concatenate(list(lost_rows(index, asked)))
    if lost.size:
        first = listings["id"][int(lost[0])].as_py()
        raise DamagedIndexError(
            f"{folder}: {lost.size:,} of {len(asked):,} ids do not find themselves, such as {first!r}; "
            "build the index again"
        )
    return len(asked)
