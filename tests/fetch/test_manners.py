"""How hosts are treated: how many requests at a time, how often, and what they forbid."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from fetch.conftest import Fetch
from support.picture_server import Handler, PictureServer, hang_up, page, picture, redirect

from itemsearch.errors import UsageError
from itemsearch.fetch.failures import check_status
from itemsearch.fetch.types import FetchConfig, NoPictureError


def slow(seed: int, seconds: float = 0.05):  # type: ignore[no-untyped-def]
    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        picture(seed)(handler)

    return answer


@pytest.mark.parametrize(("per_host", "parallel", "most"), [(3, 32, 3), (32, 5, 5), (1, 1, 1)])
def test_requests_at_a_time_are_bounded(
    server: PictureServer, fetch: Fetch, per_host: int, parallel: int, most: int
) -> None:
    server.pages = {f"/{number}": slow(number) for number in range(20)}
    addresses = [server.url(path) for path in server.pages]
    assert fetch(addresses, per_host=per_host, parallel=parallel).downloaded == 20
    assert server.most_running == most


def test_connections_are_used_again(fetch: Fetch) -> None:
    with PictureServer() as one, PictureServer() as other, PictureServer() as third:
        addresses = []
        for number in range(30):
            for server in (one, other, third):
                server.pages[f"/{number}"] = picture(number)
                addresses.append(server.url(f"/{number}"))
        assert fetch(addresses, per_host=2, parallel=6).downloaded == 90
        assert all(len(server.clients) <= 2 for server in (one, other, third))
        # Two idle connections are kept for three hosts, so that some are closed and made again.
        assert fetch(addresses, per_host=1, parallel=2).unchanged == 90


def test_a_slow_host_does_not_hold_up_another(fetch: Fetch) -> None:
    with PictureServer() as sluggish, PictureServer() as quick:
        sluggish.pages = {f"/{number}": slow(number, 0.3) for number in range(8)}
        done: list[float] = []

        def answer(handler: Handler) -> None:
            done.append(time.monotonic())
            picture(1)(handler)

        quick.pages = {f"/{number}": answer for number in range(50)}
        started = time.monotonic()
        addresses = [server.url(path) for server in (sluggish, quick) for path in server.pages]
        assert fetch(addresses, per_host=2, parallel=4).downloaded == 58
        assert max(done) - started < 0.9 < 1.2 <= time.monotonic() - started


def test_the_rate_is_kept_on_redirects_too(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": redirect("/b"), "/b": picture(1), "/c": picture(2), "/d": picture(3)}
    started = time.monotonic()
    assert fetch([server.url(path) for path in ("/a", "/c", "/d")], rate=10).downloaded == 3
    assert 0.3 <= time.monotonic() - started < 1.5


def test_robots_are_asked_once_and_obeyed(server: PictureServer, fetch: Fetch) -> None:
    ours = b"User-agent: itemsearch\nDisallow: /a\nDisallow: /*.gif$\nCrawl-delay: 0.1\n"
    rules = b"User-agent: *\nDisallow: /\n\n" + ours
    server.pages = {
        "/robots.txt": page(200, rules, Content_Type="text/plain"),
        "/a/1": picture(1),
        "/b/1": picture(2),
        "/to": redirect("/a/1"),
        "/x.gif": picture(3),
    }
    addresses = [server.url(path) for path in ("/a/1", "/b/1", "/to", "/x.gif")]
    started = time.monotonic()
    report = fetch(addresses, robots=True)
    assert (report.downloaded, report.reasons) == (1, {"robots.txt": 3})
    assert "/robots.txt forbids it" in report.examples["robots.txt"]
    assert (server.asked["/robots.txt"], server.asked["/a/1"]) == (1, 0)
    assert time.monotonic() - started >= 0.1
    assert fetch(addresses).failed == 0  # without the option nothing is asked for


@pytest.mark.parametrize(("status", "downloaded"), [(404, 1), (403, 1), (500, 0)])
def test_no_robots_allow_and_broken_robots_forbid(
    server: PictureServer, fetch: Fetch, status: int, downloaded: int
) -> None:
    server.pages = {"/robots.txt": page(status), "/a": picture(1)}
    assert fetch([server.url("/a")], robots=True, retries=1).downloaded == downloaded
    assert server.asked["/robots.txt"] == (1 if downloaded else 2)


def test_a_host_that_never_answers_is_given_up(server: PictureServer, fetch: Fetch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
        server.pages = {"/a": picture(1)}
        report = fetch([*(f"{dead}/{number}" for number in range(500)), server.url("/a")])
    assert report.downloaded == 1
    assert report.reasons["host does not answer"] > 450
    assert sum(report.reasons.values()) == 500


def test_a_host_that_hangs_up_has_answered(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {**{f"/{number}": hang_up for number in range(30)}, "/a": picture(1)}
    report = fetch([server.url(path) for path in server.pages], retries=0)
    assert (report.downloaded, report.reasons) == (1, {"connection cut": 30})


def test_a_date_to_wait_for_is_as_good_as_seconds() -> None:
    def wait(value: str) -> float | None:
        with pytest.raises(NoPictureError) as failure:
            check_status(httpx2.Response(503, headers={"Retry-After": value}))
        assert failure.value.passing
        return failure.value.wait

    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert wait(format_datetime(soon, usegmt=True)) == pytest.approx(30, abs=2)
    assert wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert wait("17") == 17
    assert wait("soon") is wait("") is wait("-3") is None


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            {"per_host": 0},
            {"parallel": 0},
            {"retries": -1},
            {"max_seconds": 0},
            {"max_seconds": float("nan")},
        ),
        *({"rate": -1}, {"max_bytes": 0}, {"max_pixels": 0}, {"max_redirects": -1}),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        FetchConfig(**wrong)  # type: ignore[arg-type]
