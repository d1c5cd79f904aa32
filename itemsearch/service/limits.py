"""Bounds what a client can make the service do: bytes, requests at a time, seconds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from itemsearch.web.access import PROBES


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Each is a guess that suits one machine. The pixels of a picture are bounded in `catalog.images`.

    body: bytes of a request. bodies: bytes of all requests that wait or are answered. requests: answered at a
    time, in one process. seconds: for an answer. body_seconds: for the client to send a request.
    connections: open at a time.
    """

    body: int = 20 * 2**20
    bodies: int = 200 * 2**20
    requests: int = 128
    seconds: float = 30.0
    body_seconds: float = 10.0
    connections: int = 512


class LimitRequests:
    """Reads the whole body of a request before it takes a place among those that are answered: a client that
    sends slowly keeps no other waiting."""

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self.app = app
        self.limits = limits
        self.running = 0
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            return await self.app(scope, receive, send)
        body = bytearray()
        try:
            refusal = await self._read(receive, body)
            if refusal is None and self.running >= self.limits.requests:
                refusal = _refuse(429, f"{self.running} requests are being answered: ask again in a second")
            if refusal is not None:
                return await refusal(scope, receive, send)
            await self._answer(scope, receive, send, bytes(body))
        except _ClientLeftError:
            return None
        finally:
            self.bytes -= len(body)

    async def _read(self, receive: Receive, body: bytearray) -> JSONResponse | None:
        """Reads the body; returns the response to one that is too large or too slow."""
        more, too_large = True, False
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _ClientLeftError
                    more = message.get("more_body", False)
                    chunk = message.get("body", b"")
                    too_large = too_large or len(body) + len(chunk) > self.limits.body
                    if too_large:
                        continue  # most clients read no response before they have sent all
                    body += chunk
                    self.bytes += len(chunk)
                    if self.bytes > self.limits.bodies:
                        return _refuse(429, "too much is being sent at once: ask again in a second")
        except TimeoutError:
            return _refuse(408, f"the request took over {self.limits.body_seconds:g} s to arrive")
        if too_large:
            return _refuse(413, f"the request is over {self.limits.body:,} bytes: send a smaller one")
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send, body: bytes | None) -> None:
        """Answers within the time, unless the client leaves before: then nobody works for it any longer."""
        leaving = asyncio.ensure_future(receive())  # after the body nothing else is to come
        started = finished = False

        async def receive_again() -> Message:
            nonlocal body
            if body is not None:
                message, body = {"type": "http.request", "body": body, "more_body": False}, None
                return message
            return await asyncio.shield(leaving)

        async def send_and_note(message: Message) -> None:
            nonlocal started, finished
            started = True
            finished = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        answering = asyncio.ensure_future(self.app(scope, receive_again, send_and_note))
        self.running += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if answering.done() or finished:
                    await answering
        except TimeoutError:
            answering.cancel()
            if not started:  # else the client does not read, and the server closes the connection
                message = f"no answer within {self.limits.seconds:g} s: ask again later, or ask for less"
                await _refuse(503, message)(scope, receive, send)
        finally:
            self.running -= 1
            leaving.cancel()
            answering.cancel()


class _ClientLeftError(Exception):
    pass


def _refuse(status: int, message: str) -> JSONResponse:
    # The rest of a request that is not read could not be told from the next one.
    headers = {"Connection": "close"} if status in (408, 413) else {"Retry-After": "1"}
    return JSONResponse({"error": message}, status, headers)
