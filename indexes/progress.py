"""How far a long job is: the one way in which steps tell it, whoever shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Protocol

FIRST_SECONDS, MOST_SECONDS = 10.0, 300.0
"""From line to line where there is no terminal, at first and at most; each time is twice the one before."""


class Progress(Protocol):
    """Is told how far a long job is; shows it to people, or nobody."""

    def __call__(self, step: str, done: int = 0, total: int | None = None, note: str = "") -> None:
        """
        Args:
            step: what is counted, as in "pairs compared", or what begins where nothing is.
            done: how many are done.
            total: how many there are; None where nobody knows yet.
            note: a few words more, as in "3 failed".
        """
        ...


def silent(step: str, done: int = 0, total: int | None = None, note: str = "") -> None:
    """Progress that nobody sees."""


@dataclass(slots=True)
class Remembered:
    """Passes on what it is told, and remembers how many were done: who reads the same again has a total.

    done: None before it was told anything.
    """

    progress: Progress
    done: int | None = None

    def __call__(self, step: str, done: int = 0, total: int | None = None, note: str = "") -> None:
        self.done = done
        self.progress(step, done, total, note)


class Lines:
    """A context manager that says in a line how far a job is: after `FIRST_SECONDS`, then more and more
    rarely. A short job says nothing.

    say: takes a line; called on a thread of its own, so that a step that tells nothing for long is seen too.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._told: tuple[str, int, int | None, str] | None = None
        self._began = 0.0, 0
        self._ended = Event()
        self._speaker = Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Progress:
        self._speaker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._speaker.join()

    def __call__(self, step: str, done: int = 0, total: int | None = None, note: str = "") -> None:
        if self._told is None or self._told[0] != step or done < self._told[1]:
            self._began = time.monotonic(), done
        self._told = step, done, total, note

    def _speak(self) -> None:
        wait = FIRST_SECONDS
        while not self._ended.wait(wait):
            wait = min(2 * wait, MOST_SECONDS)
            if self._told is not None:
                self._say(self._line(*self._told))

    def _line(self, step: str, done: int, total: int | None, note: str) -> str:
        began, before = self._began
        seconds = time.monotonic() - began
        if not done and total is None:
            return f"{step}: {duration(seconds)}"
        rate = (done - before) / seconds if seconds else 0.0
        return ", ".join(filter(None, [f"{step}: {counted(done, total)}", note, *speed(rate, done, total)]))


def counted(done: int, total: int | None) -> str:
    """As "1,234 of 5,678", or without a total "1,234"."""
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def speed(rate: float, done: int, total: int | None) -> list[str]:
    """The rate, and the time left where the total is known; nothing before there is a rate."""
    if rate <= 0:
        return []
    shown = f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.2g} a second"
    return [shown] if total is None else [shown, f"{duration((total - done) / rate)} left"]


def duration(seconds: float) -> str:
    """Of 45, 200 and 8,000 seconds: "45 s", "3 min", "2 h 13 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
