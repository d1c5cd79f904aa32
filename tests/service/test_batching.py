from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from threading import Event

import pytest

from itemsearch.service.batching import Lane


class Work:
    """Squares numbers of the key's sign, and notes what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.go = Event()
        self.go.set()

    def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.calls.append((key, list(items)))
        self.go.wait()
        if 13 in items:
            raise ValueError("13")
        return [item * item for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def lane(work: Work) -> Iterator[Lane[str, int, int]]:
    lane = Lane("test", work, window=0.2, largest=4)
    lane.start()
    yield lane
    work.go.set()
    lane.close()


def test_what_comes_within_the_window_is_one_call_for_each_key(lane: Lane[str, int, int], work: Work) -> None:
    futures = [lane.submit(key, item) for key, item in (("a", 1), ("b", 2), ("a", 3))]
    assert [future.result(5) for future in futures] == [1, 4, 9]
    assert work.calls == [("a", [1, 3]), ("b", [2])]


def test_a_full_batch_does_not_wait(work: Work) -> None:
    lane = Lane("test", work, window=60, largest=4)
    lane.start()
    futures = [lane.submit("a", item) for item in range(8)]
    assert [future.result(5) for future in futures] == [item * item for item in range(8)]
    assert work.calls == [("a", [0, 1, 2, 3]), ("a", [4, 5, 6, 7])]
    lane.close()


def test_one_that_fails_does_not_fail_its_neighbours(lane: Lane[str, int, int], work: Work) -> None:
    futures = [lane.submit("a", item) for item in (2, 13, 3)]
    assert (futures[0].result(5), futures[2].result(5)) == (4, 9)
    with pytest.raises(ValueError, match="13"):
        futures[1].result(5)


def test_what_is_cancelled_while_it_waits_costs_no_work(lane: Lane[str, int, int], work: Work) -> None:
    work.go.clear()
    first = [lane.submit("a", item) for item in range(4)]
    later = [lane.submit("a", item) for item in (7, 8)]
    assert later[0].cancel()
    work.go.set()
    assert later[1].result(5) == 64
    assert [future.result() for future in first] == [0, 1, 4, 9]
    with pytest.raises(CancelledError):
        later[0].result()
    assert work.calls == [("a", [0, 1, 2, 3]), ("a", [8])]


def test_a_lane_that_closes_finishes_what_waits(work: Work) -> None:
    lane = Lane("test", work, window=0.01, largest=2)
    work.go.clear()
    lane.start()
    futures = [lane.submit("a", item) for item in range(5)]
    work.go.set()
    lane.close()
    assert [future.result(0) for future in futures] == [0, 1, 4, 9, 16]
