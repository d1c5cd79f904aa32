"""Says which address is asked next: no host beyond its limits, and no host's waiting holds up another."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

BACKOFF_SECONDS = 0.5
"""The wait before the first retry, on average; each wait is twice the one before. A guess."""

MAX_BACKOFF_SECONDS = 60.0
UNANSWERED = 20
"""Requests in a row without an answer after which a host is not asked any more. A guess."""


@dataclass(slots=True)
class Job:
    """An address to ask. interval: its host's when it was taken. tries: failed requests; spent: seconds."""

    address: str
    host: str
    interval: float = 0.0
    tries: int = 0
    spent: float = 0.0


@dataclass(slots=True)
class _Host:
    """interval: least seconds between two requests. waiting: addresses; delayed: retries by their time.
    free_at: before then it is not asked. queued: whether it is among the ready or the sleeping hosts."""

    interval: float
    waiting: deque[str] = field(default_factory=deque)
    delayed: list[tuple[float, int, Job]] = field(default_factory=list)
    running: int = 0
    free_at: float = 0.0
    queued: bool = False
    unanswered: int = 0

    def next_at(self) -> float | None:
        """When its next address is due; None if it has none."""
        if not self.waiting and not self.delayed:
            return None
        return max(self.free_at, 0.0 if self.waiting else self.delayed[0][0])

    def reserve(self) -> float:
        """The time of its next request, which is taken."""
        at = max(time.monotonic(), self.free_at)
        self.free_at = at + self.interval if self.interval else self.free_at
        return at


class Schedule:
    """The addresses of a run. Belongs to one event loop.

    per_host: requests at a time to a host. rate: requests a second to a host; 0 for no limit.
    """

    def __init__(self, addresses: Iterable[str], per_host: int, rate: float) -> None:
        self._per_host = per_host
        self._interval = 1 / rate if rate else 0.0
        self._hosts: dict[str, _Host] = {}
        self._ready: deque[tuple[str, _Host]] = deque()
        self._sleeping: list[tuple[float, int, str, _Host]] = []
        self._order = count()
        self._changed = asyncio.Event()
        self._left = 0
        for address in addresses:
            self._host(host_of(address)).waiting.append(address)
            self._left += 1
        for name, host in self._hosts.items():
            self._place(name, host)

    async def take(self) -> Job | None:
        """The next address, as soon as one may be asked; None when all are done."""
        while self._left:
            job = self._pick()
            if job is not None:
                return job
            self._changed.clear()
            wait = self._sleeping[0][0] - time.monotonic() if self._sleeping else None
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
        return None

    def done(self, job: Job) -> None:
        self._left -= 1
        self._release(job)

    def retry(self, job: Job, wait: float | None) -> None:
        """Asks again later. wait: seconds for which the server wants to be left alone; None for unsaid."""
        host = self._hosts[job.host]
        now = time.monotonic()
        backoff = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**job.tries) * random.uniform(0.5, 1.5)
        job.tries += 1
        if wait is not None:
            host.free_at = max(host.free_at, now + wait)
        heapq.heappush(host.delayed, (now + (backoff if wait is None else wait), next(self._order), job))
        self._release(job)

    def answered(self, job: Job, answered: bool) -> None:
        host = self._hosts[job.host]
        host.unanswered = 0 if answered else host.unanswered + 1

    def given_up(self, job: Job) -> bool:
        """Whether the host has not answered so often that it is not asked any more."""
        return self._hosts[job.host].unanswered >= UNANSWERED

    async def settle(self, job: Job) -> None:
        """Waits where a host has turned out to want more time between requests since the job was taken."""
        if self._hosts[job.host].interval > job.interval:
            await self.pace(job.address)

    async def pace(self, address: str) -> None:
        """Waits for a request that is none of `take`, as after a redirect, and counts it."""
        host = self._host(host_of(address))
        if host.interval:
            await asyncio.sleep(host.reserve() - time.monotonic())

    def slow_down(self, address: str, seconds: float) -> None:
        """Leaves a host at least `seconds` between two requests."""
        host = self._host(host_of(address))
        host.interval = max(host.interval, seconds)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            self._hosts[name] = _Host(self._interval)
        return self._hosts[name]

    def _release(self, job: Job) -> None:
        host = self._hosts[job.host]
        host.running -= 1
        self._place(job.host, host)
        self._changed.set()

    def _place(self, name: str, host: _Host) -> None:
        at = host.next_at()
        if at is None or host.queued or host.running >= self._per_host:
            return
        host.queued = True
        if at <= time.monotonic():
            self._ready.append((name, host))
        else:
            heapq.heappush(self._sleeping, (at, next(self._order), name, host))

    def _pick(self) -> Job | None:
        now = time.monotonic()
        while self._sleeping and self._sleeping[0][0] <= now:
            _, _, name, host = heapq.heappop(self._sleeping)
            self._ready.append((name, host))
        while self._ready:
            name, host = self._ready.popleft()
            host.queued = False
            at = host.next_at()
            if at is None or at > now:  # the server asked to wait in the meantime
                self._place(name, host)
                continue
            if host.delayed and host.delayed[0][0] <= now:
                job = heapq.heappop(host.delayed)[2]
            else:
                job = Job(host.waiting.popleft(), name)
            host.running += 1
            host.reserve()
            job.interval = host.interval
            self._place(name, host)
            return job
        return None


def host_of(address: str) -> str:
    """Host and port of an address; "" for one that has none, which is asked and refused like any other."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2].casefold()
    except ValueError:
        return ""
