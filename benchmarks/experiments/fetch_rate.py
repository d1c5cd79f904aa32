"""How fast pictures are fetched, beside the HTTP client alone, and what a second night asks for.

    python -m itemsearch.benchmarks.experiments.fetch_rate --out RUN [--pictures 10000] [--at-once 32]

A server in another process has small pictures, each with an ETag. By turns, the bare client (httpx2) gets all
of them and drops them, and `itemsearch fetch` keeps them in a new folder, with as many requests at a time.
Then the last folder is fetched again: once with nothing changed, once with a share of the pictures changed.
Prints the figures and writes them to RUN/fetch_rate.json. Processor time depends less on other programs.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import httpx2
import numpy as np
from PIL import Image

from itemsearch.fetch.run import fetch_pictures
from itemsearch.fetch.types import FetchConfig, FetchReport
from itemsearch.indexes.progress import silent

SIDE = 32
CHANGED = 0.01


@dataclass(frozen=True, slots=True)
class FetchRates:
    """Pictures a second and the client's processor seconds, by rounds, and what the next nights asked for.

    bodies: pictures that the server sent in a night; asked: requests.
    """

    pictures: int
    at_once: int
    plain: tuple[float, ...]
    plain_cpu: tuple[float, ...]
    fetched: tuple[float, ...]
    fetched_cpu: tuple[float, ...]
    unchanged_rate: float
    unchanged_asked: int
    unchanged_bodies: int
    changed: int
    changed_bodies: int

    @property
    def ratio(self) -> float:
        """Of the rates, the median round's."""
        return median(ours / plain for ours, plain in zip(self.fetched, self.plain, strict=True))

    @property
    def cpu_ratio(self) -> float:
        """The processor time of the plain client by that of fetching, the median round's."""
        return median(plain / ours for ours, plain in zip(self.fetched_cpu, self.plain_cpu, strict=True))


class SmallPictures:
    """A server of pictures /0, /1, ...; those below `changed` are of another day."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self.bodies = [_png(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)) for _ in range(count)]
        self.changed = self.asked = self.sent = 0

    def answer(self, head: bytes) -> bytes:
        number = int(head[5 : head.index(b" ", 5)])
        etag = b'"%d-%d"' % (number, number < self.changed)
        self.asked += 1
        if b"If-None-Match: " + etag in head:
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
        self.sent += 1
        body = self.bodies[number] + (b"\0" if number < self.changed else b"")
        return b"HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %d\r\n\r\n" % (etag, len(body)) + body

    async def serve(self, orders: Connection) -> None:
        """Sends its port, then answers each order, how many pictures are to be changed, with its counts."""

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    writer.write(self.answer(await reader.readuntil(b"\r\n\r\n")))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        orders.send(server.sockets[0].getsockname()[1])
        while (changed := await asyncio.to_thread(orders.recv)) is not None:
            orders.send((self.asked, self.sent))
            self.changed, self.asked, self.sent = changed, 0, 0
        server.close()


def measure(folder: Path, pictures: int, at_once: int, rounds: int) -> FetchRates:
    """Runs everything in a new folder."""
    config = FetchConfig(per_host=at_once, parallel=at_once, allow_private=True)
    with _server(pictures) as (port, orders):
        addresses = [f"http://127.0.0.1:{port}/{number}" for number in range(pictures)]
        plain, fetched = [], []
        for number in range(rounds):
            plain.append(_timed(pictures, lambda: asyncio.run(_get_all(addresses, at_once))))
            keep = partial(_fetch, addresses, folder / str(number), config)
            fetched.append(_timed(pictures, keep))
        last = folder / str(rounds - 1)
        _next_night(orders, 0)
        again = _fetch(addresses, last, config)
        asked, sent = _next_night(orders, round(CHANGED * pictures))
        changed = _fetch(addresses, last, config)
        _, changed_sent = _next_night(orders, 0)
    assert (again.unchanged, changed.downloaded) == (pictures, changed_sent), (again, changed)
    return FetchRates(
        pictures=pictures,
        at_once=at_once,
        plain=tuple(rate for rate, _ in plain),
        plain_cpu=tuple(cpu for _, cpu in plain),
        fetched=tuple(rate for rate, _ in fetched),
        fetched_cpu=tuple(cpu for _, cpu in fetched),
        unchanged_rate=pictures / again.seconds,
        unchanged_asked=asked,
        unchanged_bodies=sent,
        changed=round(CHANGED * pictures),
        changed_bodies=changed_sent,
    )


@contextmanager
def _server(pictures: int) -> Iterator[tuple[int, Connection]]:
    spawn = multiprocessing.get_context("spawn")
    orders, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(pictures, theirs), daemon=True)
    process.start()
    try:
        yield orders.recv(), orders
        orders.send(None)
        process.join()
    finally:
        process.kill()
        process.join()


def _serve(pictures: int, orders: Connection) -> None:
    asyncio.run(SmallPictures(pictures).serve(orders))


def _next_night(orders: Connection, changed: int) -> tuple[int, int]:
    """Changes the first pictures; returns how many requests and bodies the night before had."""
    orders.send(changed)
    asked, sent = orders.recv()
    return asked, sent


def _timed(pictures: int, job: Callable[[], object]) -> tuple[float, float]:
    """Pictures a second, and processor seconds of this process."""
    started, processor = time.perf_counter(), time.process_time()
    job()
    return pictures / (time.perf_counter() - started), time.process_time() - processor


async def _get_all(addresses: Sequence[str], at_once: int) -> None:
    """What the client that this is built on does by itself: gets pictures, and nothing more."""
    left = iter(addresses)
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)

    async def get(client: httpx2.AsyncClient) -> None:
        for address in left:
            response = await client.get(address)
            assert response.status_code == 200
            assert response.content

    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:
        await asyncio.gather(*(get(client) for _ in range(at_once)))


def _fetch(addresses: Sequence[str], folder: Path, config: FetchConfig) -> FetchReport:
    return fetch_pictures(addresses, folder, config, silent)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    rates = measure(given.out, given.pictures, given.at_once, given.rounds)
    figures = {**asdict(rates), "ratio": rates.ratio, "cpu_ratio": rates.cpu_ratio}
    (given.out / "fetch_rate.json").write_text(json.dumps(figures, indent=1))
    _print_line("bare client", rates.plain, rates.plain_cpu)
    _print_line("fetched", rates.fetched, rates.fetched_cpu)
    print(f"ratio           {rates.ratio:8.2f}, by processor time {rates.cpu_ratio:.2f}")
    asked = f"{rates.unchanged_asked:,} asked, {rates.unchanged_bodies:,} downloaded"
    print(f"nothing changed {rates.unchanged_rate:8,.0f} addresses a second: {asked}")
    print(f"{rates.changed:,} changed: {rates.changed_bodies:,} downloaded")


def _print_line(name: str, rates: Sequence[float], cpu: Sequence[float]) -> None:
    spread = f"({min(rates):,.0f} to {max(rates):,.0f})"
    print(
        f"{name:<15} {median(rates):8,.0f} pictures a second {spread}, {median(cpu):.1f} s of the processor"
    )


if __name__ == "__main__":
    main()
