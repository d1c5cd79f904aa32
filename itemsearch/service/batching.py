"""Joins what many requests ask at about the same time into one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Key, Item, Result]):
    key: Key
    item: Item
    future: Future[Result]


class Lane(Generic[Key, Item, Result]):
    """A thread that works on what waits, a batch at a time.

    work: called with a key and the items of one batch that have it; returns a result for each, in order.
    window: seconds that the first item of a batch waits for others. largest: items of a batch.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Key, Sequence[Item]], Sequence[Result]],
        window: float = 0.0,
        largest: int = 1,
    ) -> None:
        self.work = work
        self.window = window
        self.largest = largest
        self._queue: SimpleQueue[_Waiting[Key, Item, Result] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Works on what waits already, then ends."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, key: Key, item: Item) -> Future[Result]:
        """Queues an item. A future that is cancelled while it waits costs no work."""
        future: Future[Result] = Future()
        self._queue.put(_Waiting(key, item, future))
        return future

    def _run(self) -> None:
        while self._work_once():
            pass

    def _work_once(self) -> bool:
        """Works on the next batch; whether there will be another. What a batch refers to, such as an engine
        that was replaced, is let go with it."""
        batch, more = self._next_batch()
        groups: dict[Key, list[_Waiting[Key, Item, Result]]] = {}
        for waiting in batch:
            if waiting.future.set_running_or_notify_cancel():
                groups.setdefault(waiting.key, []).append(waiting)
        for group in groups.values():
            self._finish(group)
        return more

    def _next_batch(self) -> tuple[list[_Waiting[Key, Item, Result]], bool]:
        """Waits for the next batch; and whether the lane goes on after it."""
        batch: list[_Waiting[Key, Item, Result]] = []
        until = 0.0
        while len(batch) < self.largest:
            try:
                if not batch:
                    waiting = self._queue.get()
                    until = time.monotonic() + self.window
                else:
                    waiting = self._queue.get(timeout=max(until - time.monotonic(), 0))
            except Empty:
                break
            if waiting is None:
                return batch, False
            batch.append(waiting)
        return batch, True

    def _finish(self, group: Sequence[_Waiting[Key, Item, Result]]) -> None:
        try:
            results = self.work(group[0].key, [waiting.item for waiting in group])
        except Exception as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for waiting in group:  # one that fails must not fail its neighbours
                self._finish([waiting])
            return
        for waiting, result in zip(group, results, strict=True):
            waiting.future.set_result(result)
