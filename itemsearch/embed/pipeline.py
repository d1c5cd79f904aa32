"""Embeds batches of rows on the threads that prepare them, so that no processor waits for another."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from itemsearch.catalog import Catalog
from itemsearch.catalog.read import IsWanted, ListingRules, nothing_is_wanted
from itemsearch.embed.encoder import Encoder
from itemsearch.embed.inputs import EncoderBatch, in_batches
from itemsearch.embed.prepared import PreparedListing
from itemsearch.store.reuse import EarlierRows
from itemsearch.types import RowBatch

T = TypeVar("T")
Embeddings = npt.NDArray[np.float32]
Waiting = tuple[list[int], Future[Embeddings]]
"""Rows of a batch, and their embeddings once they are computed."""

BATCHES_AHEAD = 2
"""Batches of the encoder that wait, for each thread: so that none is idle while a shard is written."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Reads, prepares and embeds a catalog.

    The rows that are ahead are bounded, and memory with them. A batch for the encoder is made of rows of one
    batch of the catalog, whatever thread is ready first: nothing depends on threads and time but the speed.

    earlier: rows that are embedded already. batch_size: listings that the encoder embeds at a time. wants:
    whether a larger picture is kept, as in `PictureKeeper`.
    """

    encoder: Encoder
    earlier: EarlierRows
    batch_size: int
    wants: IsWanted = nothing_is_wanted

    def embedded(
        self, catalog: Catalog, placeholders: Sequence[int]
    ) -> Iterator[tuple[RowBatch[PreparedListing], Embeddings]]:
        """Yields the catalog's rows in their order, and the (N, E) embeddings of the N listings of a batch.

        Args:
            placeholders: as in `Catalog.batches`.

        Raises:
            CatalogError: as `Catalog.batches`.
        """
        workers = ThreadPoolExecutor(self.encoder.threads, "embed")
        make = partial(PreparedListing.of, self.encoder.side, self.wants)
        rules = ListingRules(self.earlier.holds, self.wants, frozenset(placeholders))
        batches = _prefetched(catalog.batches_of(make, rules, workers))
        most = BATCHES_AHEAD * self.batch_size * self.encoder.threads
        ahead: deque[tuple[RowBatch[PreparedListing], list[Waiting]]] = deque()
        with ExitStack() as stack:
            stack.enter_context(closing(batches))
            stack.callback(workers.shutdown, cancel_futures=True)
            for batch in batches:
                ahead.append((batch, self._start(batch.items, workers)))
                while sum(len(rows) for _, waiting in ahead for rows, _ in waiting) > most:
                    yield self._finish(*ahead.popleft())
            while ahead:
                yield self._finish(*ahead.popleft())

    def _start(self, items: Sequence[PreparedListing], workers: Executor) -> list[Waiting]:
        """Lets the workers embed the listings that are not known."""
        new = [row for row, item in enumerate(items) if not item.listing.known]
        batches = in_batches([items[row].listing.title for row in new], self.batch_size)
        rows_of = [[new[place] for place in batch] for batch in batches]
        return [(rows, workers.submit(self._embed, rows, items)) for rows in rows_of]

    def _embed(self, rows: list[int], items: Sequence[PreparedListing]) -> Embeddings:
        chosen = [items[row] for row in rows]
        batch: EncoderBatch = self.encoder.prepare_batch(
            rows, [item.listing.title for item in chosen], [item.pixels for item in chosen]
        )
        return self.encoder.embed(batch)

    def _finish(
        self, batch: RowBatch[PreparedListing], waiting: Sequence[Waiting]
    ) -> tuple[RowBatch[PreparedListing], Embeddings]:
        """Waits for the embeddings of a batch, and takes those of known listings from the earlier rows."""
        embeddings = np.empty((len(batch.items), self.encoder.dim), np.float32)
        for rows, future in waiting:
            embeddings[rows] = future.result()
        known = [row for row, item in enumerate(batch.items) if item.listing.known]
        if known:
            embeddings[known], stored = self.earlier.take(
                [batch.items[row].listing.content_hash for row in known]
            )
            for row, jpeg, others in zip(known, stored.thumbnails, stored.others, strict=True):
                pictures = batch.items[row].stored
                pictures.thumbnails[:], pictures.others[:] = [jpeg], [others]
        return batch, embeddings


def _prefetched(items: Iterator[T]) -> Generator[T, None, None]:
    """Makes the next item on another thread while one is used."""
    with ThreadPoolExecutor(1, "read") as pool:
        end = object()
        upcoming = pool.submit(next, items, end)
        while (item := upcoming.result()) is not end:
            upcoming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
