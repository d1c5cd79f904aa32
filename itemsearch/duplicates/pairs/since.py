"""Which products are new or different since an earlier version of an index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.duplicates.types import PAIRS_SCHEMA, ROWS_SCHEMA
from itemsearch.errors import UsageError
from itemsearch.indexes.storage.versions import read_version
from itemsearch.search.engine import Engine
from itemsearch.search.folder import index_errors, open_version

RUN, PAIRS = "run.json", "pairs.parquet"


def changed_since(engine: Engine, since: str) -> npt.NDArray[np.bool_]:
    """(N,) whether each product's id is new, or its title or picture are others.

    Args:
        since: the number of a version of the index, or the folder that an earlier `itemsearch duplicates`
            wrote, which names one.

    Raises:
        UsageError: neither a version nor such a folder, or an index without hashes of its products' content.
        IndexFolderError: the version is no more, or damaged.
    """
    index, number = _version_of(engine, since)
    with index_errors(index):
        listings = read_version(index, lambda version: open_version(index, version).ranker.listings, number)
    for folder, table in ((engine.folder, engine.listings), (index, listings)):
        if "content_hash" not in table.column_names:
            raise UsageError(f"{folder} was built from external embeddings: what changed in it is not known")
    return changed_products(engine.listings, listings)


def changed_products(listings: pa.Table, earlier: pa.Table) -> npt.NDArray[np.bool_]:
    """(N,) whether each product's id is new, or its content_hash differs from the earlier one's."""
    places = pc.index_in(listings["id"], earlier["id"])
    held = earlier["content_hash"].take(places)  # null for an id that was not there
    same = pc.fill_null(pc.equal(listings["content_hash"], held), False)
    changed: npt.NDArray[np.bool_] = ~same.to_numpy()
    return changed


def _version_of(engine: Engine, since: str) -> tuple[Path, int]:
    """An index folder and the number of a version of it."""
    if since.isdecimal():
        return engine.folder, int(since)
    path = Path(since) / RUN
    try:
        run = json.loads(path.read_text("utf-8"))
        return Path(run["index"]), int(run["version"])
    except OSError as error:
        raise UsageError(
            f"--new {since}: neither the number of a version nor a folder of itemsearch duplicates ({path}: "
            f"{error.strerror})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: damaged ({error}); give --new the number of a version") from error


def carried_pairs(engine: Engine, folder: Path, changed: npt.NDArray[np.bool_], settings: str) -> pa.Table:
    """The pairs of an earlier run of which both products are still there and neither is among `changed`.

    Returns:
        `ROWS_SCHEMA` and `PAIRS_SCHEMA`.

    Raises:
        UsageError: the folder was made by another model or with other `settings`, or cannot be read.
    """
    try:
        run = json.loads((folder / RUN).read_text("utf-8"))
        if run["settings"] != settings:
            raise UsageError(f"{folder} was made with other options or another model: run without --new once")
        pairs = pq.read_table(folder / PAIRS, columns=PAIRS_SCHEMA.names, page_checksum_verification=True)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UsageError(f"{folder}: no finished run to go on from ({error}); run without --new") from error
    ids = engine.listings["id"]
    rows = [pc.index_in(pairs[name], ids) for name in ("id_a", "id_b")]
    still = [row.is_valid().to_numpy() & ~changed[pc.fill_null(row, 0).to_numpy()] for row in rows]
    kept = pa.array(still[0] & still[1])
    columns = [row.filter(kept).cast(pa.int64()) for row in rows]
    held = pairs.filter(kept).cast(PAIRS_SCHEMA)
    return pa.table([*columns, *held.columns], schema=pa.schema([*ROWS_SCHEMA, *PAIRS_SCHEMA]))
