"""From a catalog to a store: read, encode, write, account for every row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.embed.encoder import ProductEncoder
from itemsearch.errors import EmptyCatalogError, TooManyBadRowsError
from itemsearch.store.writer import StoreWriter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EmbedConfig:
    """max_bad_rate: the share of rejected rows past which no store is made. dtype: as embeddings are kept."""

    batch_size: int = 32
    max_bad_rate: float = 0.05
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """rows = embedded + rejected. `reasons` counts the rejected by reason; `seconds` is the whole time."""

    rows: int
    embedded: int
    rejected: int
    without_title: int
    without_image: int
    reasons: dict[str, int]
    dim: int
    seconds: float


def embed_catalog(
    catalog: CatalogConfig,
    out: Path,
    encoder: ProductEncoder,
    config: EmbedConfig,
    progress: Callable[[int, int], None],
) -> EmbedReport:
    """Embeds every usable row of `catalog` into the store `out`; `progress` hears rows read and rejected.

    Raises:
        CatalogError: the catalog cannot be read, or no row of it is usable.
        TooManyBadRowsError: more rows were rejected than allowed; `rejects.parquet` says which, and
            an earlier store in `out` stays as it was.
        StoreError: `out` holds something else.
    """
    started = time.perf_counter()
    rows = without_title = without_image = 0
    reasons: Counter[str] = Counter()
    batches = _ahead(read_catalog(catalog))
    first = next(batches)  # a catalog without a row raises here
    with StoreWriter(out, encoder.stamp, encoder.dim, config.dtype, first.carried.schema) as store:
        for batch in chain([first], batches):
            titles = [product.title for product in batch.products]
            images = [product.image for product in batch.products]
            if batch.products:
                store.add(batch.products, encoder.encode(titles, images, config.batch_size), batch.carried)
            store.reject(batch.rejects)
            rows += batch.rows
            without_title += titles.count("")
            without_image += images.count(None)
            reasons.update(reject.reason.value for reject in batch.rejects)
            progress(rows, reasons.total())
        rejects = store.write_rejects()
        rejected, embedded = reasons.total(), store.rows
        assert rows == embedded + rejected, f"{rows} rows in, {embedded} embedded, {rejected} rejected"
        if rejected > config.max_bad_rate * rows:
            raise TooManyBadRowsError(
                f"{rejected} of {rows} rows rejected, more than --max-bad-rate {config.max_bad_rate:g}: "
                f"see {rejects}; no store was made"
            )
        if not embedded:
            raise EmptyCatalogError(f"{catalog.path}: none of its {rows} rows is usable: see {rejects}")
        store.finish(catalog.path, rows)
    seconds = time.perf_counter() - started
    return EmbedReport(
        rows, embedded, rejected, without_title, without_image, dict(reasons), encoder.dim, seconds
    )


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Makes the next item while the last one is being used: pictures decode as the model computes."""
    with ThreadPoolExecutor(1) as pool:
        done = object()
        coming = pool.submit(next, items, done)
        while (item := coming.result()) is not done:
            coming = pool.submit(next, items, done)
            yield item  # type: ignore[misc]
