"""From a catalog to a store: read, encode, write, account for every row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.errors import EmptyCatalogError, TooManyBadRowsError
from itemsearch.store.reuse import EarlierRows
from itemsearch.store.schema import thumbnail
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EmbedConfig:
    """max_bad_rate: the share of rejected rows past which no store is made. dtype: as embeddings are kept."""

    batch_size: int = 32
    max_bad_rate: float = 0.05
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """rows = embedded + reused + rejected.

    reused: rows that an earlier run had embedded from the very same title and picture. without_title,
    without_image: of both. reasons: the rejected by reason. damaged: shards of earlier runs that could not
    be read, their rows embedded again. seconds: the whole time.
    """

    rows: int
    embedded: int
    reused: int
    rejected: int
    without_title: int
    without_image: int
    reasons: dict[str, int]
    damaged: tuple[str, ...]
    dim: int
    seconds: float


def embed_catalog(
    catalog: CatalogConfig,
    out: Path,
    encoder: ListingEncoder,
    config: EmbedConfig,
    progress: Callable[[int, int], None],
) -> EmbedReport:
    """Embeds every usable row of `catalog` into the store `out`; `progress` hears rows read and rejected.

    Rows that `out` holds already, from the same model, title and picture, are taken over; so are those of a
    run that was stopped.

    Raises:
        CatalogError: the catalog cannot be read, or no row of it is usable.
        TooManyBadRowsError: more rows were rejected than allowed; `rejects.parquet` says which, and
            an earlier store in `out` stays as it was.
        StoreError: `out` holds something else, or another process is writing there.
    """
    started = time.perf_counter()
    rows = embedded = without_title = without_image = 0
    reasons: Counter[str] = Counter()
    source = open_catalog(catalog)
    with StoreWriter(out, encoder.stamp, encoder.dim, config.dtype, source.carried) as store:
        earlier = EarlierRows.find(out, encoder.stamp, encoder.dim, config.dtype)
        for batch in _ahead(source.batches(earlier.holds)):
            if batch.listings:
                embeddings, thumbnails = _embed(batch.listings, earlier, encoder, config.batch_size)
                store.add(batch.listings, embeddings, thumbnails, batch.carried)
                embedded += sum(not product.known for product in batch.listings)
                without_title += sum(not product.title for product in batch.listings)
                without_image += thumbnails.count(None)
            store.reject(batch.rejects)
            rows += batch.rows
            reasons.update(reject.reason.value for reject in batch.rejects)
            progress(rows, reasons.total())
        rejects, rejected = store.write_rejects(), reasons.total()
        reused = store.rows - embedded
        assert rows == store.rows + rejected, f"{rows} rows in, {store.rows} kept, {rejected} rejected"
        if rejected > config.max_bad_rate * rows:
            raise TooManyBadRowsError(
                f"{rejected} of {rows} rows rejected, more than --max-bad-rate {config.max_bad_rate:g}: "
                f"see {rejects}; no store was made"
            )
        if not store.rows:
            raise EmptyCatalogError(f"{catalog.path}: none of its {rows} rows is usable: see {rejects}")
        store.finish(catalog.path, rows)
    return EmbedReport(
        rows=rows,
        embedded=embedded,
        reused=reused,
        rejected=rejected,
        without_title=without_title,
        without_image=without_image,
        reasons=dict(reasons),
        damaged=tuple(map(str, earlier.damaged)),
        dim=encoder.dim,
        seconds=time.perf_counter() - started,
    )


def _embed(
    listings: Sequence[Listing], earlier: EarlierRows, encoder: ListingEncoder, batch_size: int
) -> tuple[npt.NDArray[np.float32], list[bytes | None]]:
    """(N, dim) embeddings and N thumbnails: taken over for the known products, made for the others."""
    embeddings = np.empty((len(listings), encoder.dim), np.float32)
    thumbnails: list[bytes | None] = [
        None if product.image is None else thumbnail(product.image) for product in listings
    ]
    known = [place for place, product in enumerate(listings) if product.known]
    new = [place for place, product in enumerate(listings) if not product.known]
    titles, images = [listings[place].title for place in new], [listings[place].image for place in new]
    embeddings[new] = encoder.encode(titles, images, batch_size)
    if known:
        embeddings[known], pictures = earlier.take([listings[place].id for place in known])
        for place, picture in zip(known, pictures, strict=True):
            thumbnails[place] = picture
    return embeddings, thumbnails


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Makes the next item while the last one is being used: pictures decode as the model computes."""
    with ThreadPoolExecutor(1) as pool:
        done = object()
        coming = pool.submit(next, items, done)
        while (item := coming.result()) is not done:
            coming = pool.submit(next, items, done)
            yield item  # type: ignore[misc]
