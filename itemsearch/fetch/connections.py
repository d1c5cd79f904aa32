"""Keeps connections for the next request to the same host.

The pool of httpcore2 looks at all its connections for each request, which with dozens of them takes as long
as the request itself. Here one is found by its host.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore2

Place = tuple[bytes, bytes, int]


class Connections:
    """Connections to hosts. How many are in use at a time is the caller's to bound.

    network: makes new ones. trusted: the certificates that are trusted. most_idle: connections that are kept
    open while nobody uses them; beyond, those of the host that was asked longest ago are closed.
    """

    def __init__(
        self, network: httpcore2.AsyncNetworkBackend, trusted: ssl.SSLContext, most_idle: int
    ) -> None:
        self._network = network
        self._trusted = trusted
        self._most_idle = most_idle
        self._idle: dict[Place, list[httpcore2.AsyncHTTPConnection]] = {}
        self._idle_count = 0

    @asynccontextmanager
    async def response(self, request: httpcore2.Request) -> AsyncIterator[httpcore2.Response]:
        """Sends a request; the answer's body can be read within the context, and need not be.

        Raises:
            httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError: there is no answer.
        """
        origin = request.url.origin
        place = (origin.scheme, origin.host, origin.port)
        connection = await self._take(place, origin)
        try:
            response = await connection.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            await self._give_back(place, connection)

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                await connection.aclose()
        self._idle.clear()

    async def _take(self, place: Place, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        kept = self._idle.pop(place, [])
        self._idle_count -= len(kept)
        connection = None
        while kept and connection is None:
            connection = kept.pop()
            if connection.has_expired():  # the server has closed it
                await connection.aclose()
                connection = None
        if kept:
            self._idle[place] = kept
            self._idle_count += len(kept)
        return connection or httpcore2.AsyncHTTPConnection(
            origin, ssl_context=self._trusted, network_backend=self._network
        )

    async def _give_back(self, place: Place, connection: httpcore2.AsyncHTTPConnection) -> None:
        if connection.is_closed() or not connection.is_idle():
            await connection.aclose()
            return
        self._idle[place] = [*self._idle.pop(place, []), connection]
        self._idle_count += 1
        if self._idle_count > self._most_idle:
            oldest = next(iter(self._idle))
            surplus = self._idle[oldest].pop(0)
            if not self._idle[oldest]:
                del self._idle[oldest]
            self._idle_count -= 1
            await surplus.aclose()
