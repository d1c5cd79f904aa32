"""Asks one address for its picture: redirects, limits, conditions.

Connections and HTTP itself are those of httpcore2, URLs and answers those of httpx2. Its client is left out:
it would keep cookies, and obey proxies of the environment, behind which no address can be checked.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from itemsearch.fetch.connections import Connections
from itemsearch.fetch.failures import check_status
from itemsearch.fetch.guard import PublicNetwork
from itemsearch.fetch.robots import Robots
from itemsearch.fetch.schedule import Schedule
from itemsearch.fetch.types import FetchConfig, Known, NoPictureError
from itemsearch.fetched import without_credentials

Headers = list[tuple[bytes, bytes]]

AGENT = "itemsearch"

_TIMEOUTS = {"connect": 10.0, "read": 20.0, "write": 20.0, "pool": None}
"""Seconds without any progress; guesses. `FetchConfig.max_seconds` bounds the whole."""

_ROBOTS_BYTES = 512 * 2**10


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered.

    Attributes:
        body: None where nothing changed (304).
        whole: whether the server said how long the body is, so that it is known to be whole.
    """

    status: int
    final_address: str
    etag: str
    last_modified: str
    body: bytes | None
    whole: bool


class PictureClient:
    """An async context manager that holds the connections of a run."""

    def __init__(
        self, config: FetchConfig, schedule: Schedule, trusted: ssl.SSLContext | None = None
    ) -> None:
        """
        Args:
            trusted: the certificates that are trusted; None for the system's, or those of SSL_CERT_FILE.
        """
        self._config = config
        self._schedule = schedule
        network = PublicNetwork(config.allow_private)
        self._connections = Connections(network, trusted or httpx2.create_ssl_context(), config.parallel)
        agent = f"{AGENT}/{version('itemsearch')}"
        self._headers = [(b"User-Agent", agent.encode()), (b"Accept", b"image/*")]
        self._robots = Robots(AGENT, self._robots_text, schedule.slow_down) if config.robots else None

    async def check_robots(self, address: str) -> None:
        """
        Raises:
            NoPictureError: robots.txt is honoured, and forbids the address or cannot be read.
        """
        if self._robots is not None:
            await self._robots.check(_parse(address))

    async def ask(self, address: str, known: Known | None) -> Answer:
        """Asks an address that `check_robots` lets pass, and the ones that it redirects to.

        Args:
            known: what was kept of it before, so that the server can say that nothing changed.

        Raises:
            NoPictureError: there is no usable answer.
            Exception: what else went wrong on the way; `as_failure` says what it is called.
        """
        conditions = []
        if known is not None and known.etag:
            conditions.append((b"If-None-Match", known.etag.encode()))
        if known is not None and known.last_modified:
            conditions.append((b"If-Modified-Since", known.last_modified.encode()))
        async with self._followed(address, conditions) as (url, response):
            body = None
            if response.status_code != 304 or not conditions:
                check_status(response)
                body = await _read(response, self._config.max_bytes)
            headers = response.headers
            return Answer(
                status=response.status_code,
                final_address=without_credentials(str(url)),
                etag=_returnable(headers.get("etag", "")),
                last_modified=_returnable(headers.get("last-modified", "")),
                body=body,
                whole="content-length" in headers or "transfer-encoding" in headers,
            )

    @asynccontextmanager
    async def _followed(
        self, address: str, headers: Headers, robots: bool = True
    ) -> AsyncIterator[tuple[httpx2.URL, httpx2.Response]]:
        """The answer at the end of an address's redirects, its body not read, and who gave it.

        Raises:
            NoPictureError: an address on the way is refused, or there are too many.
        """
        url = _parse(address)
        for redirects in range(self._config.max_redirects + 1):
            if robots and redirects:
                await self.check_robots(str(url))
            if redirects or not robots:
                await self._schedule.pace(str(url))
            async with self._connections.response(self._request(url, headers)) as answer:
                response = httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))
                if not response.has_redirect_location:
                    yield url, response
                    return
                url = _redirected(url, response.headers["location"])
        raise NoPictureError("too many redirects", f"more than {self._config.max_redirects} redirects")

    def _request(self, url: httpx2.URL, headers: Headers) -> httpcore2.Request:
        sent = [(b"Host", url.netloc), *self._headers, *headers]
        if url.userinfo:
            login = base64.b64encode(f"{url.username}:{url.password}".encode())
            sent.append((b"Authorization", b"Basic " + login))
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        return httpcore2.Request("GET", target, headers=sent, extensions={"timeout": _TIMEOUTS})

    async def _robots_text(self, address: str) -> str | None:
        """The robots.txt at an address; "" where there is none, None where it cannot be had."""
        try:
            async with (
                asyncio.timeout(self._config.max_seconds),
                self._followed(address, [], robots=False) as (_, response),
            ):
                if 400 <= response.status_code < 500 and response.status_code != 429:
                    return ""
                check_status(response)
                return (await _read(response, _ROBOTS_BYTES)).decode("utf-8", "replace")
        except Exception:  # whatever a server sends must not end the run
            return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.aclose()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer of httpcore2, for a response of httpx2."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk


def _parse(address: str) -> httpx2.URL:
    """
    Raises:
        NoPictureError: it is no address of a host by http or https.
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL as error:
        raise NoPictureError("bad address", f"no valid address: {error}") from error
    if url.scheme not in ("http", "https"):
        raise NoPictureError("bad address", f"{url.scheme or 'no'} address: only http and https are asked")
    if not url.host:
        raise NoPictureError("bad address", "no valid address: it names no host")
    return url


def _redirected(url: httpx2.URL, location: str) -> httpx2.URL:
    """
    Raises:
        NoPictureError: `location` leads to no address of a host by http or https.
    """
    try:
        joined = url.join(location)
    except httpx2.InvalidURL as error:
        raise NoPictureError("bad address", f"redirects to no valid address: {error}") from error
    return _parse(str(joined))


def _returnable(value: str) -> str:
    """A header's value if it can be sent back as it is, else ""."""
    return value if value.isascii() and value.isprintable() else ""


async def _read(response: httpx2.Response, max_bytes: int) -> bytes:
    """
    Raises:
        NoPictureError: the body is longer than `max_bytes`; no more than that is read.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise NoPictureError("too many bytes", f"{int(declared):,} bytes are over {max_bytes:,}", status=200)
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise NoPictureError("too many bytes", f"over {max_bytes:,} bytes", status=200)
    return bytes(body)
