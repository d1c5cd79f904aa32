"""Delivers decisions to a webhook: in order, again and again until the receiver has them.

A thread of its own reads the log, so that no decision waits for the receiver or fails with it. Which event
was delivered last is kept beside the decisions: what the receiver missed, it gets after the next start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread
from typing import Any

import httpx2

from itemsearch.decisions.events import Event
from itemsearch.decisions.log import DecisionLog
from itemsearch.errors import DecisionsError, ItemSearchError
from itemsearch.indexes.durable import replace_file
from itemsearch.review.webhook import TIMEOUT, Webhook

FILE = "delivered.json"
"""The file in the index folder, beside the decisions: fingerprint of a webhook's address to the number of the
last event that it has."""
FORMAT = 1
POLL_SECONDS = 0.5
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before the first try again, doubled up to the longest."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: between looks into the log, and before tries again."""

    poll: float = POLL_SECONDS
    first: float = FIRST_WAIT
    longest: float = LONGEST_WAIT


class Deliverer:
    """Posts the events of a log to a webhook. trouble: why the next one is not delivered; "" where all is
    well.

    Args:
        describe: makes the message of an event. say: tells the terminal that the receiver is down, or back.
    """

    def __init__(
        self,
        webhook: Webhook,
        log: DecisionLog,
        describe: Callable[[Event], Mapping[str, Any]],
        say: Callable[[str], None],
        waits: Waits = Waits(),
    ) -> None:
        self.webhook = webhook
        self.log = log
        self.describe = describe
        self.say = say
        self.waits = waits
        self.trouble = ""
        self._path = log.path.with_name(FILE)
        self._delivered = 0
        self._failures = 0
        self._stopping = Flag()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Delivers while the context is open. A webhook that is new to the log gets what is decided from now
        on.

        Raises:
            DecisionsError: what was delivered cannot be read or kept.
        """
        delivered, last = self._read(), self.log.last_change()
        # The log may be a backup, or a new one: then there is nothing of it that the receiver has not.
        self._delivered = min(delivered.get(self.webhook.fingerprint, last), last)
        self._keep()
        thread = Thread(target=self._run, name="webhook", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(TIMEOUT)

    def notice(self) -> str:
        """What people have to know: that decisions are not delivered, and why; "" where all is well."""
        if not self.trouble:
            return ""
        waiting = self.log.last_change() - self._delivered
        decisions = "1 decision is" if waiting == 1 else f"{waiting:,} decisions are"
        return (
            f"{decisions} saved here, and not yet delivered to {self.webhook.place}: {self.trouble}. "
            "It is tried again and again; go on deciding"
        )

    def _run(self) -> None:
        wait = 0.0
        with httpx2.Client(timeout=TIMEOUT) as client:
            while not self._stopping.wait(wait):
                wait = self._step(client)

    def _step(self, client: httpx2.Client) -> float:
        """Delivers the next event, if there is one; returns the seconds to wait."""
        try:
            event = self.log.next_event(self._delivered)
            if event is None:
                return self.waits.poll
            self.webhook.post(client, self.describe(event))
            self._delivered = event.number
            self._keep()
        except (httpx2.HTTPError, ItemSearchError) as error:
            return self._failed(str(error) or type(error).__name__)
        if self.trouble:
            self.trouble, self._failures = "", 0
            self.say(f"{self.webhook.place} answers again: decisions are delivered")
        return 0.0

    def _failed(self, why: str) -> float:
        is_news, self.trouble = not self.trouble, why
        if is_news:
            self.say(self.notice())
        self._failures += 1
        return float(min(self.waits.first * 2 ** (self._failures - 1), self.waits.longest))

    def _read(self) -> dict[str, int]:
        try:
            held = json.loads(self._path.read_text("utf-8"))
            if held["format"] != FORMAT:
                raise DecisionsError(f"{self._path}: written by a later itemsearch; use that one")
            return {str(name): int(number) for name, number in held["delivered"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DecisionsError(
                f"{self._path}: damaged ({error}); move it away to deliver what is decided from now on"
            ) from error

    def _keep(self) -> None:
        held = {"format": FORMAT, "delivered": {**self._read(), self.webhook.fingerprint: self._delivered}}
        try:
            replace_file(self._path, json.dumps(held, indent=1).encode())
        except OSError as error:
            raise DecisionsError(f"{self._path}: {error.strerror or error}") from error
