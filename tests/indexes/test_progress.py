from __future__ import annotations

import time

import pytest

from itemsearch.indexes import progress
from itemsearch.indexes.progress import Lines, Remembered, counted, duration, silent, speed


def test_a_long_job_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.05)
    said: list[str] = []
    with Lines(said.append) as told:
        told("rows read", 100, 1000, "3 failed")
        time.sleep(0.02)
        told("rows read", 200, 1000, "3 failed")
        deadline = time.monotonic() + 5
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        told("training")
        while len(said) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert said[0].startswith("rows read: 200 of 1,000, 3 failed, ")
    assert " a second, " in said[0]
    assert said[0].endswith(" left")
    assert said[2].startswith("training: ")


def test_lines_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.05)
    said: list[float] = []
    with Lines(lambda line: said.append(time.monotonic())) as told:
        told("rows read", 1)
        time.sleep(0.6)
    assert 1 <= len(said) <= 3  # after .05, .15 and .35 s


def test_a_short_job_says_nothing() -> None:
    said: list[str] = []
    with Lines(said.append) as told:
        told("rows read", 1, 2)
    assert said == []


def test_words() -> None:
    assert counted(1234, 5678) == "1,234 of 5,678"
    assert counted(1234, None) == "1,234"
    assert speed(119.4, 100, 1000) == ["119 a second", "8 s left"]
    assert speed(0.25, 1, None) == ["0.25 a second"]
    assert speed(0.0, 0, 10) == []
    assert [duration(seconds) for seconds in (45, 200, 8000)] == ["45 s", "3 min", "2 h 13 min"]


def test_a_second_reading_has_a_total() -> None:
    seen = Remembered(silent)
    assert seen.done is None
    seen("rows read", 7)
    assert seen.done == 7
