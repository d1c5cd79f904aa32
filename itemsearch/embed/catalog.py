"""Embeds a catalog into a store and accounts for every row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from itemsearch.catalog import (
    CatalogConfig,
    ImageProblemCount,
    ImageProblemTally,
    Survey,
    open_catalog,
    survey_catalog,
)
from itemsearch.catalog.read import Catalog, everything_is_known
from itemsearch.catalog.reject_tally import ReasonCount, RejectTally
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import EmptyCatalogError, TooManyBadRowsError
from itemsearch.store.kept_pictures import KeepPictures, PictureKeeper
from itemsearch.store.manifest import PictureFolders
from itemsearch.store.reuse import EarlierRows
from itemsearch.store.schema import StoredPictures
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EmbedConfig:
    """How a catalog is embedded.

    max_bad_rate: the share of rejected rows above which no store is made; max_bad_rate_name: what the user
    set it by. dtype: of the stored embeddings. keep_replaced: as in `StoreWriter`. keep_pictures: which
    pictures are kept larger than the thumbnails.
    """

    batch_size: int = 32
    max_bad_rate: float = 0.05
    dtype: str = "float32"
    keep_replaced: bool = False
    max_bad_rate_name: str = "--max-bad-rate"
    keep_pictures: KeepPictures = KeepPictures.EMBEDDED


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """Counts of rows: rows = embedded + reused + rejected.

    reused: rows that an earlier run had embedded from the same title and image. without_title, without_image:
    of the embedded and the reused. placeholder_images: of those without image, how many have a picture that
    is a placeholder. image_problems: those of the embedded and reused that have a picture which cannot be
    used, by reason, the most frequent first. reasons: the rejected by reason; frequent_reasons: the five most
    frequent, each with an example. damaged: shards of earlier runs that could not be read, whose rows were
    embedded again. dim: numbers in an embedding. seconds: of the whole run.
    """

    rows: int
    embedded: int
    reused: int
    rejected: int
    without_title: int
    without_image: int
    placeholder_images: int
    image_problems: dict[str, ImageProblemCount]
    reasons: dict[str, int]
    frequent_reasons: tuple[ReasonCount, ...]
    damaged: tuple[str, ...]
    dim: int
    seconds: float


def embed_catalog(
    catalog: CatalogConfig,
    out: Path,
    encoder: Encoder,
    config: EmbedConfig,
    progress: Callable[[int, int], None],
    judge: Callable[[Survey], None] = lambda survey: None,
) -> EmbedReport:
    """Embeds every valid row of `catalog` into the store `out`.

    Embeddings that `out` has already, from the same model, title and image, are reused; so are those of a run
    that was stopped. The catalog is read twice: first to find its placeholders, listings with which are
    embedded by their title alone, and what would refuse it without embedding anything.

    Args:
        progress: called with how many rows were read and how many of them rejected so far.
        judge: is called before anything is embedded; its exception stops the run.

    Raises:
        CatalogError: the catalog cannot be read, or no row of it is valid.
        TooManyBadRowsError: more rows were rejected than allowed; its notes say why, `rejects.parquet` and
            `rejects.csv` list them, and an earlier store in `out` stays as it was.
        StoreError: `out` holds other files, or another process is writing there.
    """
    started = time.perf_counter()
    rows = embedded = without_title = without_image = placeholder_images = 0
    tally = RejectTally()
    image_problems = ImageProblemTally()
    listings = open_catalog(catalog)
    with (
        StoreWriter(
            out, encoder.stamp, encoder.dim, config.dtype, listings.carried, config.keep_replaced
        ) as store,
        PictureKeeper(out, config.keep_pictures) as keeper,
    ):
        earlier = EarlierRows.find(out, encoder.stamp, encoder.dim, config.dtype)
        survey = survey_catalog(listings)
        if survey.rejected > config.max_bad_rate * survey.rows:
            raise _too_many_bad_rows(listings, store, config)
        judge(survey)
        keeper.remove_others(earlier.places)
        placeholders = tuple(each.digest for each in survey.placeholders)
        for batch in _prefetched(listings.batches(earlier.holds, placeholders, keeper.wants)):
            if batch.items:
                embeddings, pictures = _embed(batch.items, earlier, encoder, config.batch_size)
                store.add(batch.items, embeddings, pictures, batch.carried)
                keeper.add(batch.items)
                embedded += sum(not listing.known for listing in batch.items)
                without_title += sum(not listing.title for listing in batch.items)
                without_image += pictures.thumbnails.count(None)
                placeholder_images += sum(listing.placeholder for listing in batch.items)
                image_problems.add(batch.items)
            store.reject(batch.rejects)
            rows += batch.rows
            tally.add(batch.rejects)
            progress(rows, tally.counts.total())
        rejects, rejected = store.write_rejects(), tally.counts.total()
        reused = store.rows - embedded
        assert rows == store.rows + rejected, f"{rows} rows in, {store.rows} kept, {rejected} rejected"
        if rejected > config.max_bad_rate * rows:
            raise _bad_rows_error(rows, tally, config, rejects)
        if not store.rows:
            message = f"{catalog.path}: none of its {rows} rows is usable: see {rejects}"
            raise tally.explain(EmptyCatalogError(message))
        folders = PictureFolders.seen_from(out, listings.picture_roots, listings.fetched)
        store.finish(catalog.path, rows, placeholders, folders)
    return EmbedReport(
        rows=rows,
        embedded=embedded,
        reused=reused,
        rejected=rejected,
        without_title=without_title,
        without_image=without_image,
        placeholder_images=placeholder_images,
        image_problems=image_problems.counts(),
        reasons={reason.value: count for reason, count in tally.counts.items()},
        frequent_reasons=tally.most_frequent(),
        damaged=tuple(map(str, earlier.damaged)),
        dim=encoder.dim,
        seconds=time.perf_counter() - started,
    )


def _too_many_bad_rows(catalog: Catalog, store: StoreWriter, config: EmbedConfig) -> TooManyBadRowsError:
    """Writes the rejects of a catalog that has too many even before its pictures are decoded."""
    rows, tally = 0, RejectTally()
    for batch in catalog.batches(everything_is_known):
        store.reject(batch.rejects)
        rows += batch.rows
        tally.add(batch.rejects)
    return _bad_rows_error(rows, tally, config, store.write_rejects())


def _bad_rows_error(rows: int, tally: RejectTally, config: EmbedConfig, rejects: Path) -> TooManyBadRowsError:
    message = (
        f"{tally.counts.total()} of {rows} rows rejected, more than {config.max_bad_rate_name} "
        f"{config.max_bad_rate:g}: see {rejects}; no store was made"
    )
    return tally.explain(TooManyBadRowsError(message))


def _embed(
    listings: Sequence[Listing], earlier: EarlierRows, encoder: Encoder, batch_size: int
) -> tuple[npt.NDArray[np.float32], StoredPictures]:
    """(N, E) float32 embeddings and the pictures: reused for known listings, computed for the others."""
    embeddings, pictures = np.empty((len(listings), encoder.dim), np.float32), StoredPictures.of(listings)
    known = [place for place, listing in enumerate(listings) if listing.known]
    new = [place for place, listing in enumerate(listings) if not listing.known]
    titles, images = [listings[place].title for place in new], [listings[place].image for place in new]
    embeddings[new] = encoder.encode(titles, images, batch_size)
    if known:
        embeddings[known], stored = earlier.take([listings[place].content_hash for place in known])
        for place, jpeg, others in zip(known, stored.thumbnails, stored.others, strict=True):
            pictures.thumbnails[place], pictures.others[place] = jpeg, others
    return embeddings, pictures


def _prefetched(items: Iterator[T]) -> Iterator[T]:
    """Makes the next item on another thread while one is used: images decode while the model computes."""
    with ThreadPoolExecutor(1) as pool:
        end = object()
        upcoming = pool.submit(next, items, end)
        while (item := upcoming.result()) is not end:
            upcoming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
