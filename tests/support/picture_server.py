"""A web server in a thread, whose pages do as real servers do, and as they should not."""

from __future__ import annotations

import io
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from support.catalogs import draw_picture

Page = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers one request by the page of its path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        pictures = self.server.pictures
        with pictures.lock:
            pictures.asked[self.path] += 1
            pictures.headers.append((self.path, dict(self.headers.items())))
            pictures.clients.add(self.client_address)
            pictures.running += 1
            pictures.most_running = max(pictures.most_running, pictures.running)
        try:
            with suppress(ConnectionError):
                pictures.pages.get(self.path, missing)(self)
        finally:
            with pictures.lock:
                pictures.running -= 1

    def send(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    pictures: PictureServer

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that leave


class PictureServer:
    """A context manager. `pages` maps paths to what answers them.

    asked: how often each path was. headers: of each request, with its path. clients: its connections' ports.
    most_running: requests at a time.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.lock = Lock()
        self.asked: Counter[str] = Counter()
        self.headers: list[tuple[str, dict[str, str]]] = []
        self.clients: set[tuple[str, int]] = set()
        self.running = self.most_running = 0
        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._listener.pictures = self
        self.scheme = "http"
        if tls is not None:
            self.scheme = "https"
            self._listener.socket = tls.wrap_socket(self._listener.socket, server_side=True)

    @property
    def port(self) -> int:
        return int(self._listener.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


def png(seed: int) -> bytes:
    file = io.BytesIO()
    draw_picture(seed).save(file, "PNG")
    return file.getvalue()


def missing(handler: Handler) -> None:
    handler.send(404, {"Content-Type": "text/html"}, b"<html>Not found</html>")


def picture(seed: int, etag: str = "", kind: str = "image/png") -> Page:
    """A drawn picture; with an etag it answers 304 to who has it."""

    def answer(handler: Handler) -> None:
        if etag and handler.headers.get("If-None-Match") == etag:
            handler.send(304, {"ETag": etag})
        else:
            handler.send(200, {"Content-Type": kind, **({"ETag": etag} if etag else {})}, png(seed))

    return answer


def page(status: int, body: bytes = b"", **headers: str) -> Page:
    """Any answer; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(status, named, body)


def redirect(to: str) -> Page:
    return page(302, Location=to)


def after(failures: list[Page], then: Page) -> Page:
    """Answers by each of `failures` in turn, and afterwards by `then`."""
    left = list(failures)
    return lambda handler: (left.pop(0) if left else then)(handler)


def cut(body: bytes, framed: bool = True) -> Page:
    """Sends half of a body and cuts the connection; unframed, nobody is told how long it should have been."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        if framed:
            handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True

    return answer


def hang_up(handler: Handler) -> None:
    """Cuts the connection without a word."""
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """A byte every 20 ms, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.02)


def endless(sent: list[int]) -> Page:
    """A body that never ends; counts in `sent` the bytes that the client took."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        with suppress(ConnectionError):
            while True:
                handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent.append(0x10000)

    return answer
