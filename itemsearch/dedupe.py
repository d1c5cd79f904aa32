"""From a catalog to the report of its duplicates: embeds, builds an index, decides, writes the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from itemsearch.duplicates.pairs.join import Progress
from itemsearch.duplicates.run import RunConfig, calibrated_curve, find_duplicates
from itemsearch.duplicates.run_folder import RunReport
from itemsearch.errors import IndexFolderError, UsageError
from itemsearch.indexes.storage.versions import CURRENT
from itemsearch.review.report import write_report
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.folder import read_summary
from itemsearch.store.reader import EmbeddedRows, open_embedded

if TYPE_CHECKING:
    from itemsearch.catalog import CatalogConfig
    from itemsearch.embed.catalog import EmbedConfig, EmbedReport
    from itemsearch.embed.encoder import Encoder

STORE, INDEX, DUPLICATES = "store", "index", "duplicates"
"""The parts of a folder of `dedupe`."""


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a catalog. version: of the index; renewed: whether it was built again."""

    embedded: EmbedReport
    version: int
    renewed: bool


def embed_and_index(
    catalog: CatalogConfig,
    out: Path,
    encoder: Encoder,
    config: EmbedConfig,
    device: str,
    progress: Callable[[int, int], None],
) -> Built:
    """Makes `STORE` and `INDEX` in `out` of a catalog.

    Rows that the store has are not embedded again, and an index that holds what the store does is kept. A run
    that was killed goes on where it was.

    Args:
        device: where an index is trained.
        progress: called with the rows read and the rows rejected so far.

    Raises:
        CatalogError, TooManyBadRowsError, StoreError: as `embed_catalog`.
        UsageError: a rollback pinned an earlier version of the index.
    """
    from itemsearch.embed.catalog import embed_catalog  # torch

    store, index = out / STORE, out / INDEX
    embedded = embed_catalog(catalog, store, encoder, config, progress)
    renewed = not holds(index, open_embedded(store))
    if renewed:
        summary = build_index_folder(store, index, IndexConfig(device))
        if summary.current != summary.version:
            raise UsageError(
                f"{index}: version {summary.version} is built, but a rollback pinned {summary.current}: "
                "make the newest current with itemsearch index unpin"
            )
    return Built(embedded, read_summary(index).version, renewed)


def update_duplicates(engine: Engine, out: Path, config: RunConfig, progress: Progress) -> RunReport:
    """Finds the duplicates of an index, with its labels if it has any, and writes the tables and the page.

    Raises:
        UsageError: as `find_duplicates`.
    """
    curve = calibrated_curve(engine, bool(config.join.filter.other))
    report = find_duplicates(engine, out, replace(config, curve=curve), progress)
    write_report(out, engine.listings, report)
    return report


def holds(index: Path, source: EmbeddedRows) -> bool:
    """Whether an index folder's current version is of the very listings and model of a store.

    A missing or damaged index holds nothing.
    """
    if not (index / CURRENT).exists():
        return False
    try:
        engine = Engine.open(index)
    except IndexFolderError:
        return False
    names = [name for name in source.schema.names if name != "embedding"]
    listings = engine.listings
    if engine.summary.model != source.model or engine.summary.rows != source.rows:
        return False
    if listings.column_names != names:
        return False
    row = 0
    for batch in source.batches():
        held = listings.slice(row, batch.num_rows)
        if not held.equals(pa.table(batch.select(names)).cast(held.schema)):
            return False
        row += batch.num_rows
    return True
