"""Finds the listings that changed since an earlier version of an index, and the pairs of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.duplicates.run_folder import PAIRS, RUN, index_of, read_run
from itemsearch.duplicates.types import PAIRS_SCHEMA, ROWS_SCHEMA
from itemsearch.errors import UsageError
from itemsearch.indexes.storage.versions import read_version
from itemsearch.search.engine import Engine
from itemsearch.search.folder import index_errors


def changed_since(engine: Engine, since: str) -> npt.NDArray[np.bool_]:
    """Compares the listings of an index with those of an earlier version.

    Args:
        since: the number of a version of the index, or a folder of `itemsearch duplicates`, which names an
            index and a version.

    Returns:
        (N,) whether each listing is new, or has another title or picture.

    Raises:
        UsageError: neither a version nor such a folder, or an index of external embeddings, which stores no
            hashes of the listings' content.
        IndexFolderError: the version was deleted, or is damaged.
    """
    index, number = _version_of(engine, since)
    with index_errors(index):
        listings = read_version(index, lambda version: Engine.open_version(index, version).listings, number)
    for folder, table in ((engine.folder, engine.listings), (index, listings)):
        if "content_hash" not in table.column_names:
            raise UsageError(
                f"{folder} was built from external embeddings: it cannot tell which listings changed"
            )
    return changed_listings(engine.listings, listings)


def changed_listings(listings: pa.Table, earlier: pa.Table) -> npt.NDArray[np.bool_]:
    """(N,) whether each listing has an id that `earlier` lacks, or another content_hash than there."""
    places = pc.index_in(listings["id"], earlier["id"])
    earlier_hashes = earlier["content_hash"].take(places)  # null for an id that was not there
    same = pc.fill_null(pc.equal(listings["content_hash"], earlier_hashes), False)
    changed: npt.NDArray[np.bool_] = ~same.to_numpy()
    return changed


def _version_of(engine: Engine, since: str) -> tuple[Path, int]:
    """The index folder and the number of the version that `since` names."""
    if since.isdecimal():
        return engine.folder, int(since)
    path = Path(since) / RUN
    try:
        run = read_run(Path(since))
        return index_of(Path(since), run), int(run["version"])
    except OSError as error:
        raise UsageError(
            f"--new {since}: neither the number of a version nor a folder of itemsearch duplicates ({path}: "
            f"{error.strerror})"
        ) from error
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: damaged ({error}); give --new the number of a version") from error
    except ValueError as error:
        raise UsageError(f"{error} without --new") from error


def carried_pairs(
    engine: Engine, folder: Path, changed: npt.NDArray[np.bool_], settings: dict[str, object]
) -> pa.Table:
    """Reads the pairs of an earlier run whose listings are both in the index and not among `changed` (N,).

    Returns:
        `ROWS_SCHEMA` and `PAIRS_SCHEMA`.

    Raises:
        UsageError: the folder was made with another model or other `settings`, or cannot be read.
    """
    try:
        if read_run(folder)["settings"] != settings:
            raise UsageError(f"{folder} was made with other options or another model: run without --new once")
        pairs = pq.read_table(folder / PAIRS, columns=PAIRS_SCHEMA.names, page_checksum_verification=True)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UsageError(f"{folder}: no finished run to go on from ({error}); run without --new") from error
    ids = engine.listings["id"]
    rows = [pc.index_in(pairs[name], ids) for name in ("id_a", "id_b")]
    unchanged = [row.is_valid().to_numpy() & ~changed[pc.fill_null(row, 0).to_numpy()] for row in rows]
    kept = pa.array(unchanged[0] & unchanged[1])
    row_columns = [row.filter(kept).cast(pa.int64()) for row in rows]
    kept_pairs = pairs.filter(kept).cast(PAIRS_SCHEMA)
    return pa.table([*row_columns, *kept_pairs.columns], schema=pa.schema([*ROWS_SCHEMA, *PAIRS_SCHEMA]))
