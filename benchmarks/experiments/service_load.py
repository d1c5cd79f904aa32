"""How soon `itemsearch serve` answers many clients at a time, and whether it answers them as it answers one.

    python -m itemsearch.benchmarks.experiments.service_load INDEX [--clients 16] [--seconds 60]

Starts the service on INDEX and asks it by id, by title and by both in turns, `--seconds` each: every client
asks its next query when it has the answer to the last. Beside them a tenth as many (--awkward) send a body
byte by byte, close their half of the connection, or leave without the answer. Every answer is compared with
that to the same query when nobody else asked. Clients run on the same machine and take part of it: the time
is the client's, from the first byte sent to the last one read. The processor time of the service for an
answer hardly depends on other programs: with C clients that always ask, a mean answer takes C times that,
divided by the cores that the service has. With --made ROWS the index is made first, of made listings
(`benchmarks/data/made_listings.py`) that pass for embedded by the shipped weights, so that titles can be
asked for: what is found means nothing, what it costs does. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from itemsearch import Engine
from itemsearch.benchmarks.data.made_store import write_made_store
from itemsearch.embed.encoder import open_encoder
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.indexes.types import Target
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.store.manifest import MANIFEST

QUERIES = 200
SECONDS_BETWEEN_BYTES = 0.05


@dataclass(frozen=True, slots=True)
class Load:
    """How the service is asked. awkward: clients beside the others that are slow, half-closed or leave."""

    clients: int
    seconds: float
    awkward: int


@dataclass(slots=True)
class Figures:
    """Of one kind of query under load. p50, p99: milliseconds; idle_p50: of one client alone.

    errors: statuses but 200, and connections that broke, which `broken` names. other_scores: answers of which
    a digit differs from the idle one: in bfloat16 an embedding depends a little on the length to which its
    batch is padded. largest_difference: of two scores. other_listings: answers with other listings.
    cpu_ms: processor milliseconds of the service for an answer, client_cpu_ms: of the clients.
    """

    answers: int = 0
    a_second: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    idle_p50: float = 0.0
    errors: int = 0
    other_scores: int = 0
    largest_difference: float = 0.0
    other_listings: int = 0
    awkward_answers: int = 0
    awkward_errors: int = 0
    cpu_ms: float = 0.0
    client_cpu_ms: float = 0.0
    broken: list[str] = field(default_factory=list)


def draw_queries(index: Path, kind: str, seed: int = 0) -> list[bytes]:
    """The bodies of `QUERIES` searches by "id" or by "title"; titles are those of listings."""
    listings = Engine.open(index).listings.select(["id", "title"])
    rows = np.random.default_rng(seed).choice(len(listings), min(QUERIES, len(listings)), replace=False)
    cells = listings[kind].take(np.sort(rows)).to_pylist()
    return [json.dumps({kind: cell}).encode() for cell in cells if cell]


@dataclass(frozen=True)
class Served:
    """place: host and port."""

    place: tuple[str, int]
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Of all processes and threads of the service."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in every)


@contextmanager
def serving(index: Path, *options: str) -> Iterator[Served]:
    """Runs `itemsearch serve`."""
    command = [sys.executable, "-m", "itemsearch", "serve", str(index), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://([\w.]+):(\d+)/", line)
        if found is None:
            raise SystemExit(f"the service did not start: {line}{process.stderr.read()}")
        yield Served((found[1], int(found[2])), psutil.Process(process.pid))
    finally:
        process.terminate()
        process.communicate()


def request_of(body: bytes) -> bytes:
    head = "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def make_index(index: Path, rows: int, recall: float) -> None:
    """Builds an index of made listings in `index`, from a store beside it; each unless it is there."""
    store = index.with_name(f"{index.name}-store")
    if not (store / MANIFEST).exists():
        write_made_store(store, rows, 0, open_encoder(DEFAULT_MODEL).stamp)
    if not index.exists():
        build_index_folder(store, index, IndexConfig(target=Target(recall)))


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    return int(head.split(" ", 2)[1]), await reader.readexactly(int(length[1]) if length else 0)


@asynccontextmanager
async def connected(
    place: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*place)
    try:
        yield reader, writer
    finally:
        writer.close()


async def idle_answers(
    place: tuple[str, int], queries: Sequence[bytes]
) -> tuple[dict[bytes, bytes], list[float]]:
    """The answer to each query and its seconds, one after another."""
    answers, seconds = {}, []
    async with connected(place) as (reader, writer):
        for body in queries:
            start = time.perf_counter()
            writer.write(request_of(body))
            status, answers[body] = await read_answer(reader)
            seconds.append(time.perf_counter() - start)
            assert status == 200, answers[body]
    return answers, seconds


async def client(
    place: tuple[str, int], queries: Iterator[bytes], idle: dict[bytes, bytes], until: float, figures: Figures
) -> list[float]:
    """Asks until a time; returns the seconds of each answer."""
    seconds = []
    while time.perf_counter() < until:
        try:
            async with connected(place) as (reader, writer):
                while (start := time.perf_counter()) < until:
                    body = next(queries)
                    writer.write(request_of(body))
                    status, answer = await read_answer(reader)
                    seconds.append(time.perf_counter() - start)
                    figures.errors += status != 200
                    if status == 200:
                        compare(answer, idle[body], figures)
        except (OSError, asyncio.IncompleteReadError) as error:
            figures.errors += 1
            figures.broken.append(repr(error))
    return seconds


async def awkward_client(
    place: tuple[str, int], number: int, queries: Iterator[bytes], until: float, figures: Figures
) -> None:
    """Sends slowly, closes its half of the connection, or leaves, by its number."""
    while time.perf_counter() < until:
        try:
            async with connected(place) as (reader, writer):
                body = next(queries)
                request = request_of(body)
                if number % 3 == 0:
                    writer.write(request[:-20])
                    for byte in range(len(request) - 20, len(request)):
                        writer.write(request[byte : byte + 1])
                        await asyncio.sleep(SECONDS_BETWEEN_BYTES)
                    status, _ = await read_answer(reader)
                    figures.awkward_answers += 1
                    figures.awkward_errors += status != 200
                    continue
                writer.write(request)
                if number % 3 == 1:
                    writer.write_eof()
                    await reader.read()  # the service may close, or answer
                await asyncio.sleep(SECONDS_BETWEEN_BYTES)
        except (OSError, asyncio.IncompleteReadError):
            figures.awkward_errors += number % 3 == 0


def compare(answer: bytes, idle: bytes, figures: Figures) -> None:
    """Notes how an answer differs from the idle one."""
    if answer == idle:
        return
    one, other = (json.loads(each)["results"] for each in (answer, idle))
    figures.other_scores += 1
    figures.other_listings += {hit["id"] for hit in one} != {hit["id"] for hit in other}
    scores = {hit["id"]: hit["score"] for hit in other}
    apart = [abs(hit["score"] - scores[hit["id"]]) for hit in one if hit["id"] in scores]
    figures.largest_difference = max([figures.largest_difference, *apart])


async def measure(served: Served, queries: Sequence[bytes], load: Load) -> Figures:
    place = served.place
    idle, alone = await idle_answers(place, queries)
    of_service, of_clients = served.cpu_seconds(), time.process_time()
    figures, until = Figures(), time.perf_counter() + load.seconds
    clients = [
        client(place, islice(cycle(queries), 7 * number, None), idle, until, figures)
        for number in range(load.clients)
    ]
    others = [awkward_client(place, number, cycle(queries), until, figures) for number in range(load.awkward)]
    seconds: list[float] = []
    for answered in await asyncio.gather(*clients, *others):
        seconds += answered or []
    figures.answers, figures.a_second = len(seconds), len(seconds) / load.seconds
    figures.p50, figures.p99 = (1000 * float(np.quantile(seconds, q)) for q in (0.5, 0.99))
    figures.idle_p50 = 1000 * float(np.median(alone))
    figures.cpu_ms = 1000 * (served.cpu_seconds() - of_service) / len(seconds)
    figures.client_cpu_ms = 1000 * (time.process_time() - of_clients) / len(seconds)
    return figures


def run(index: Path, load: Load, workers: int) -> dict[str, Any]:
    """The figures by kind of query; machine: the load of the machine before and after, and its cores."""
    by_id, by_title = draw_queries(index, "id"), draw_queries(index, "title")
    both = [query for pair in zip(by_id, by_title, strict=False) for query in pair]
    before = os.getloadavg()[0]
    with serving(index, "--workers", str(workers)) as served:
        figures = {
            kind: asdict(asyncio.run(measure(served, queries, load)))
            for kind, queries in (("id", by_id), ("title", by_title), ("both", both))
        }
    machine = {"cores": os.cpu_count(), "load_before": before, "load_after": os.getloadavg()[0]}
    return {"load": asdict(load), "workers": workers, "machine": machine, **figures}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.service_load")
    parser.add_argument("index", type=Path)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--awkward", type=float, default=0.1, help="a share of --clients, rounded up")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--made", type=int, metavar="ROWS", help="make INDEX first, unless it is there")
    parser.add_argument("--target-recall", type=float, default=0.95, help="of the index that --made makes")
    arguments = parser.parse_args()
    if arguments.made:
        make_index(arguments.index, arguments.made, arguments.target_recall)
    awkward = int(np.ceil(arguments.awkward * arguments.clients))
    load = Load(arguments.clients, arguments.seconds, awkward)
    print(json.dumps(run(arguments.index, load, arguments.workers), indent=1))


if __name__ == "__main__":
    main()
