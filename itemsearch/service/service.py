"""Answers searches and matches from the current version of an index, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from PIL import Image

from itemsearch.catalog.images import decode_image
from itemsearch.catalog.placeholders import image_digest
from itemsearch.columns import stored_name
from itemsearch.errors import ImageError, UnknownIdError, UsageError
from itemsearch.matching.engine import Engine
from itemsearch.matching.results import Match
from itemsearch.search.answers import checked_title
from itemsearch.search.filter import NO_FILTER, Filter
from itemsearch.search.results import Result
from itemsearch.service.batching import Lane
from itemsearch.service.current import CurrentEngine
from itemsearch.service.metrics import Metrics
from itemsearch.service.schemas import (
    BatchAnswer,
    BatchRequest,
    Failure,
    ListingAnswer,
    MatchAnswer,
    MatchRequest,
    SearchAnswer,
    SearchRequest,
)
from itemsearch.types import Query

WINDOW_SECONDS = 0.003
"""So long a title or a picture waits for others; encoding one alone takes about twice as long."""
LARGEST_BATCH = 16
DECODERS = 2
"""Pictures decoded at a time: each may take `catalog.images.MAX_BYTES`."""
THUMBNAIL = "thumbnail"
PICTURES = (THUMBNAIL, "other_pictures")
WRONG_INPUT = (UsageError, ImageError, UnknownIdError)


@dataclass(frozen=True, slots=True)
class Call:
    """What the queries that are answered together have in common. by_id: they are ids, not titles and
    images."""

    engine: Engine
    by_id: bool
    k: int
    min_score: float
    filter: Filter


class Service:
    """Searches and matches; its coroutines belong to one event loop.

    Queries by id wait for no model, and queries with a filter, which may take long, keep no others waiting:
    each kind has a thread of its own.
    """

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self.metrics = metrics
        self.current = CurrentEngine(engine, metrics.opened, metrics.failures.inc)
        self.ids = Lane("ids", self._answer, 0, LARGEST_BATCH)
        self.described = Lane("described", self._answer, WINDOW_SECONDS, LARGEST_BATCH)
        self.filtered = Lane("filtered", self._answer, 0, LARGEST_BATCH)
        self.matches = Lane("matches", _match)
        self.decoders = ThreadPoolExecutor(DECODERS, "decoder")

    def start(self) -> None:
        for lane in (self.ids, self.described, self.filtered, self.matches):
            lane.start()
        self.current.start()

    def close(self) -> None:
        """Answers what waits, then ends the threads."""
        self.current.close()
        for lane in (self.ids, self.described, self.filtered, self.matches):
            lane.close()
        self.decoders.shutdown()

    @property
    def engine(self) -> Engine:
        """Of the current version; a request takes it once."""
        return self.current.engine

    async def search(self, request: SearchRequest) -> SearchAnswer:
        """
        Raises:
            ItemSearchError: as `Engine.search`.
        """
        return await self._search(self.engine, request)

    async def search_batch(self, request: BatchRequest) -> BatchAnswer:
        """Answers each query of a batch from one version; a wrong one has a `Failure`."""
        engine, queries = self.engine, request.requests()
        answers: list[SearchAnswer | Failure] = []
        for start in range(0, len(queries), LARGEST_BATCH):  # the queries of others come between
            part = queries[start : start + LARGEST_BATCH]
            answers += await asyncio.gather(*(self._search_or_fail(engine, query) for query in part))
        return BatchAnswer(engine.summary.version, answers)

    async def match(self, request: MatchRequest) -> MatchAnswer:
        """
        Raises:
            ItemSearchError: as `Engine.match`.
        """
        engine = self.engine
        listing: dict[str, Any] = {"id": request.id or "0", "title": request.title}
        image = request.image
        if image is not None and image_digest(image) in engine.summary.placeholders:
            if not request.title:
                raise UsageError("the image is a placeholder of the catalog: give a title")
            image = None
        listing["image"] = await self._decoded(image)
        if taken := listing.keys() & request.columns.keys():
            raise UsageError(f"{min(taken)} is given as a column: give it beside `columns`")
        # A column that the index lacks is no evidence, and would be learnt from anew.
        known = engine.listings.column_names
        listing |= {name: cell for name, cell in request.columns.items() if stored_name(name) in known}
        match = await asyncio.wrap_future(self.matches.submit(engine, listing))
        return MatchAnswer(
            engine.summary.version,
            match.query_id,
            match.decision,
            match.id,
            match.probability,
            match.reason,
            match.candidates,
        )

    def listing(self, id: str) -> ListingAnswer:
        """
        Raises:
            UnknownIdError: the index does not hold the id.
        """
        engine = self.engine
        row = engine.row_of(id)
        shown = [name for name in engine.listings.column_names if name not in PICTURES]
        listing = engine.listings.select(shown).slice(row, 1).to_pylist()[0]
        has_picture = _thumbnail(engine, row) is not None
        path = f"/thumbnails/{quote(id, safe='')}" if has_picture else None
        return ListingAnswer(engine.summary.version, listing, path)

    def thumbnail(self, id: str) -> bytes | None:
        """The JPEG of a listing; None where it has no picture.

        Raises:
            UnknownIdError: the index does not hold the id.
        """
        engine = self.engine
        return _thumbnail(engine, engine.row_of(id))

    async def _search_or_fail(self, engine: Engine, request: SearchRequest) -> SearchAnswer | Failure:
        try:
            return await self._search(engine, request)
        except WRONG_INPUT as error:
            return Failure(str(error))

    async def _search(self, engine: Engine, request: SearchRequest) -> SearchAnswer:
        title = checked_title(request.id, request.title, request.image is not None, request.other)
        filter = Filter(request.where, request.other)
        query: str | Query
        if request.id is not None:
            query = request.id
        else:
            query = Query(1, "", title, await self._decoded(request.image), None)
        call = Call(engine, request.id is not None, request.k, request.min_score, filter)
        lane = self.filtered if filter != NO_FILTER else self.ids if call.by_id else self.described
        result = await asyncio.wrap_future(lane.submit(call, query))
        if isinstance(result, UnknownIdError):
            raise result
        self.metrics.candidates.observe(result.candidates)
        return SearchAnswer(engine.summary.version, result.hits, result.incomparable)

    async def _decoded(self, image: bytes | None) -> Image.Image | None:
        if image is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(self.decoders, decode_image, image)

    def _answer(self, call: Call, queries: Sequence[str | Query]) -> list[Result | UnknownIdError]:
        kind = "id" if call.by_id else "description"
        self.metrics.batches.labels(kind).observe(len(queries))
        settings = call.k, call.min_score, call.filter
        if not call.by_id:
            described = [query for query in queries if isinstance(query, Query)]
            return list(call.engine.search_many(described, *settings))
        rows: dict[str, int] = {}
        unknown: dict[str, UnknownIdError] = {}
        ids = [query for query in queries if isinstance(query, str)]
        for id in ids:
            try:
                rows[id] = call.engine.row_of(id)
            except UnknownIdError as error:
                unknown[id] = error
        found = dict(zip(rows, call.engine.search_rows(list(rows.values()), *settings), strict=True))
        return [found[id] if id in found else unknown[id] for id in ids]


def _match(engine: Engine, listings: Sequence[Mapping[str, Any]]) -> list[Match]:
    # One at a time: listings that are matched together are compared with each other.
    return [engine.match_many([listing])[0] for listing in listings]


def _thumbnail(engine: Engine, row: int) -> bytes | None:
    if THUMBNAIL not in engine.listings.column_names:
        return None
    jpeg: bytes | None = engine.listings[THUMBNAIL][row].as_py()
    return jpeg
