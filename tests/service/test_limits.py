"""What a client may ask of the service, and that slow, large and strange ones harm nobody else."""

from __future__ import annotations

import asyncio
import io
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from PIL import Image
from starlette.types import Receive, Scope, Send
from support.services import Running, listening, served

from itemsearch.errors import AddressError, UsageError
from itemsearch.service import protocol
from itemsearch.service.limits import LimitRequests, ServiceLimits
from itemsearch.web.access import Address
from itemsearch.web.listen import listen

TOKEN = "a-long-enough-token"
SMALL = ServiceLimits(body=100_000, bodies=300_000, requests=4, body_seconds=0.5, connections=64)


@pytest.fixture(scope="module")
def small(index: Path) -> Iterator[Running]:
    with served(index, SMALL) as running:
        yield running


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    address = httpx2.URL(running.url)
    with socket.create_connection((address.host, address.port), timeout=10) as connection:
        yield connection


def head(length: int) -> bytes:
    return (
        f"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    """Until the other side closes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def answers(running: Running) -> bool:
    return bool(running.post("/search", {"id": "00001", "k": 1})["results"])


def test_a_large_body_is_413_with_and_without_a_length(small: Running) -> None:
    large = b"x" * 150_000
    kind = {"content-type": "application/json"}
    for content in (large, iter([large[:75_000], large[75_000:]])):
        response = small.client.post("/search", content=content, headers=kind)
        assert (response.status_code, "over 100,000 bytes" in response.json()["error"]) == (413, True)
    form = small.client.post("/search", files={"image": large})
    assert form.status_code == 413
    assert answers(small)


def test_a_picture_of_too_many_pixels_is_413(small: Running) -> None:
    small_png = io.BytesIO()
    Image.new("RGB", (8, 8)).save(small_png, "PNG")
    data = small_png.getvalue()
    for side in (8_000, 30_000):
        claimed = b"IHDR" + struct.pack(">II", side, side) + data[24:29]  # width and height
        bomb = data[:12] + claimed + struct.pack(">I", zlib.crc32(claimed)) + data[33:]
        response = small.client.post("/search", files={"image": bomb})
        assert (response.status_code, "make it smaller" in response.json()["error"]) == (413, True)


def test_no_answer_in_time_is_503(index: Path) -> None:
    with served(index, ServiceLimits(seconds=0.001)) as running:
        response = running.client.post("/search", json={"title": "red mug"})
        assert (response.status_code, "no answer within" in response.json()["error"]) == (503, True)
        assert response.headers["retry-after"] == "1"
        assert running.client.get("/healthz").status_code == 200


def test_more_requests_than_allowed_are_429_and_their_places_come_back() -> None:
    go = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":  # which needs no place
            go.set()
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    app = LimitRequests(slow, ServiceLimits(requests=3))
    with listening(app, Address(port=0)) as url, ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(httpx2.get, url, timeout=30) for _ in range(3)]
        while app.running < 3:
            time.sleep(0.01)
        refused = httpx2.get(url)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert "3 requests are being answered" in refused.json()["error"]
        assert httpx2.get(f"{url}healthz").status_code == 200
        assert [each.result().status_code for each in waiting] == [200] * 3
        assert (app.running, app.bytes) == (0, 0)


def test_nobody_works_for_a_client_that_left() -> None:
    left = []

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60 if scope["type"] == "http" else 0)
        except asyncio.CancelledError:
            left.append(scope["path"])
            raise

    app = LimitRequests(patient, ServiceLimits(requests=1))
    with listening(app, Address(port=0)) as url:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{url}long", timeout=0.3)
        until = time.monotonic() + 10
        while not left and time.monotonic() < until:
            time.sleep(0.01)
        assert (left, app.running) == (["/long"], 0)


def test_a_client_that_sends_slowly_takes_no_place_and_is_told_408(small: Running) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(small)) for _ in range(20)]
        for connection in slow:
            connection.sendall(head(1000) + b'{"id"')
        assert answers(small)
        for connection in slow:
            assert b" 408 " in read_all(connection).split(b"\r\n", 1)[0]
    assert answers(small)


def test_too_much_at_once_is_429(small: Running) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(small)) for _ in range(4)]
        for connection in slow:
            connection.sendall(head(90_000) + b"x" * 80_000)
        said = [read_all(connection).split(b"\r\n", 1)[0] for connection in slow]
    assert sorted(line.split(b" ")[1] for line in said) == [b"408", b"408", b"408", b"429"]
    assert answers(small)


def test_half_closed_gone_and_silent_clients_harm_nobody(
    small: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    body = b'{"title": "red mug", "k": 60}'
    with ExitStack() as stack:
        for number in range(12):
            connection = stack.enter_context(connected(small))
            if number % 3 == 0:  # says nothing more, but would listen
                connection.sendall(head(len(body)) + body)
                connection.shutdown(socket.SHUT_WR)
            elif number % 3 == 1:  # leaves at once
                connection.sendall(head(len(body)) + body)
                connection.close()
            else:  # begins a head
                connection.sendall(b"POST /search HT")
            assert answers(small)
        silent = stack.enter_context(connected(small))
        assert silent.recv(10) == b""  # closed by the service
        assert connection.recv(10) == b""
    assert answers(small)


def test_the_token_is_asked_for_everywhere_but_by_probes(index: Path) -> None:
    with (
        served(index, address=Address("0.0.0.0", 0, TOKEN)) as running,
        httpx2.Client(base_url=running.url) as bare,
    ):
        assert answers(running)
        assert running.client.get("/metrics", headers={"Host": "any.example"}).status_code == 200
        for path in ("/version", "/metrics", "/openapi.json", "/listings/00001", "/nothing"):
            refused = bare.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "Authorization: Bearer TOKEN" in refused.json()["error"]
        for wrong in ("Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"):
            asked = bare.post("/search", json={"id": "00001"}, headers={"Authorization": wrong.encode()})
            assert asked.status_code == 401
        assert bare.get(f"/version?token={TOKEN}").status_code == 401
        assert [bare.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_other_machines_need_a_token() -> None:
    with pytest.raises(UsageError, match="give a --token-file as well"):
        Address("0.0.0.0", 0, option="--token-file").check()
    with pytest.raises(UsageError, match="--token-file has 5 characters"):
        Address("127.0.0.1", 0, "short", "--token-file").check()


def test_pages_of_other_sites_are_refused(small: Running) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example"):
        assert small.client.get("/version", headers={"Host": host}).status_code == 400
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        refused = small.client.post("/search", json={"id": "00001"}, headers={"Origin": origin})
        assert refused.status_code == 403
    assert small.client.get("/version").headers["x-content-type-options"] == "nosniff"


def test_a_port_that_is_taken_is_named() -> None:
    with listen(Address(port=0)) as taken:
        assert taken.proto == socket.IPPROTO_TCP  # by which asyncio knows to send answers at once
        port = taken.getsockname()[1]
        with pytest.raises(
            AddressError, match=f"127.0.0.1 port {port}: Address already in use; give another"
        ):
            listen(Address(port=port))
