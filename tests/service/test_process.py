"""`itemsearch serve` as a process: it starts with one line, and ends once all that was asked is answered."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from support.catalogs import titles

TOKEN = "a-long-enough-token"


@contextmanager
def serving(index: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], httpx2.URL]]:
    command = [sys.executable, "-m", "itemsearch", "serve", str(index), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        line = process.stderr.readline()
        found = re.search(r"60 listings, version 1, at (\S+) \(Ctrl-C ends\)", line)
        assert found, line + process.stderr.read()
        yield process, httpx2.URL(found[1])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def batch_request(count: int) -> bytes:
    body = json.dumps({"queries": [{"title": f"{title} {count}"} for title in titles(200)], "k": 1}).encode()
    return (
        f"POST /search/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def answer_of(connection: socket.socket) -> dict[str, object]:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    answer: dict[str, object] = json.loads(body)
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_once_all_that_was_asked_is_answered(index: Path, number: signal.Signals) -> None:
    with serving(index) as (process, url), ExitStack() as stack:
        address = (url.host, url.port)
        connections = [stack.enter_context(socket.create_connection(address, 30)) for _ in range(4)]
        for place, connection in enumerate(connections):
            connection.sendall(batch_request(place))
        assert httpx2.get(url.join("/version"), timeout=30).status_code == 200  # all have been read by now
        process.send_signal(number)
        for connection in connections:
            answers = answer_of(connection)["answers"]
            assert isinstance(answers, list)
            assert len(answers) == 200
            assert all("results" in answer for answer in answers)
        assert process.wait(30) == 0
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url)
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.slow  # loads everything three times
def test_two_workers_count_together_and_end_together(index: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with serving(index, "--workers", "2", "--token-file", str(tmp_path / "token")) as (process, url):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        for _ in range(20):  # each on a connection of its own, which either worker takes
            asked = httpx2.post(url.join("/search"), json={"id": "00001"}, headers=headers, timeout=60)
            assert asked.status_code == 200
        assert httpx2.get(url.join("/version")).status_code == 401
        page = httpx2.get(url.join("/metrics"), headers=headers).text
        assert 'itemsearch_requests_total{route="/search",status="200"} 20.0' in page
        assert "itemsearch_index_rows 60.0" in page
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets other machines in: give a --token-file as well"),
        (["--token-file", "none"], "--token-file none: cannot be read"),
        (["--token-file", "two-words"], "write one word"),
        (["--host", "192.0.2.1", "--token-file", "token"], "192.0.2.1 port 0: "),
        (["--model", "none"], "none"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_one_line(
    index: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "two-words").write_text("two words of a token")
    command = [sys.executable, "-m", "itemsearch", "serve", str(index), "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
