from __future__ import annotations

import csv
import gzip
import time
from hashlib import blake2b
from pathlib import Path

import pytest
from fetch.conftest import Fetch
from support.picture_server import (
    PictureServer,
    after,
    cut,
    drip,
    endless,
    hang_up,
    page,
    picture,
    png,
    redirect,
)

from itemsearch.errors import ImageNotFoundError
from itemsearch.fetched import FetchedPictures


def files(pictures: Path) -> list[Path]:
    return sorted(path for path in (pictures / "pictures").rglob("*") if path.is_file())


def read(pictures: Path, address: str) -> bytes:
    with FetchedPictures.open(pictures) as fetched:
        return fetched.path_of(address).read_bytes()


def why_not(pictures: Path, address: str) -> str:
    with FetchedPictures.open(pictures) as fetched, pytest.raises(ImageNotFoundError) as error:
        fetched.path_of(address)
    return str(error.value)


def failures(pictures: Path) -> list[dict[str, str]]:
    with (pictures / "failures.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_one_picture_at_two_addresses_is_kept_once(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {"/a.png": picture(1), "/b.png": picture(1), "/c.png": picture(2)}
    report = fetch([server.url(path) for path in server.pages])
    assert (report.downloaded, report.failed, report.bytes) == (3, 0, 2 * len(png(1)) + len(png(2)))
    assert [path.stem for path in files(pictures)] == sorted(
        blake2b(png(seed), digest_size=32).hexdigest() for seed in (1, 2)
    )
    assert read(pictures, server.url("/b.png")) == png(1)
    assert failures(pictures) == []


def test_the_next_night_downloads_what_changed_alone(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {"/same": picture(1, '"v1"'), "/new": picture(2, '"v1"')}
    addresses = [server.url(path) for path in server.pages]
    assert fetch(addresses).downloaded == 2
    server.pages["/new"] = picture(3, '"v2"')
    report = fetch(addresses)
    assert (report.downloaded, report.unchanged, report.bytes) == (1, 1, len(png(3)))
    assert read(pictures, server.url("/new")) == png(3)
    assert read(pictures, server.url("/same")) == png(1)
    assert fetch(addresses).unchanged == 2
    # What nothing has any more is gone after one more night: until then a reader may have it open.
    assert len(files(pictures)) == 2


def test_last_modified_serves_as_well(server: PictureServer, fetch: Fetch) -> None:
    stamp = "Wed, 25 Nov 2026 10:00:00 GMT"

    def dated(handler) -> None:  # type: ignore[no-untyped-def]
        given = handler.headers.get("If-Modified-Since") == stamp
        handler.send(304 if given else 200, {"Last-Modified": stamp}, b"" if given else png(1))

    server.pages = {"/a": dated}
    assert fetch([server.url("/a")]).downloaded == 1
    report = fetch([server.url("/a")])
    assert (report.unchanged, report.bytes) == (1, 0)


def test_without_validators_the_bytes_tell_that_nothing_changed(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": picture(1)}
    fetch([server.url("/a")])
    assert fetch([server.url("/a")]).unchanged == 1


def test_a_file_that_is_gone_or_cut_is_downloaded_again(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {"/a": picture(1, '"v1"'), "/b": picture(2, '"v1"')}
    addresses = [server.url("/a"), server.url("/b")]
    fetch(addresses)
    one, other = files(pictures)
    one.unlink()
    other.write_bytes(other.read_bytes()[:10])
    assert fetch(addresses).downloaded == 2
    assert read(pictures, addresses[0]) == png(1)
    assert read(pictures, addresses[1]) == png(2)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html>\n<title>Not found</title>", "not a picture: HTML"),
        (b"  <!-- error --><HTML><body>404</body>", "not a picture: HTML"),
        (b"", "not a picture: empty"),
        (b'{"error": "gone"}', "not a picture: JSON"),
        (b'<?xml version="1.0"?><Error>NoSuchKey</Error>', "not a picture: XML"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture: SVG"),
        (b"\x00\x01\x02 whatever", "not a picture: no known format"),
        (png(1)[:20], "not a picture: "),
    ],
)
def test_a_page_that_is_served_as_a_picture_is_refused(
    server: PictureServer, fetch: Fetch, pictures: Path, body: bytes, told: str
) -> None:
    server.pages = {"/a.jpg": page(200, body, Content_Type="image/jpeg")}
    report = fetch([server.url("/a.jpg")])
    assert report.reasons == {"not a picture": 1}
    assert told in report.examples["not a picture"]
    assert told in why_not(pictures, server.url("/a.jpg"))
    assert server.asked["/a.jpg"] == 1
    (failure,) = failures(pictures)
    assert (failure["reason"], failure["status"], failure["kept"]) == ("not a picture", "200", "false")
    assert files(pictures) == []


def test_a_picture_counts_whatever_its_type_says(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": picture(1, kind="text/html")}
    assert fetch([server.url("/a")]).downloaded == 1


def test_a_missing_page_is_asked_once_and_a_failing_one_again(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {"/late": after([page(503), page(500)], picture(1)), "/broken": page(502)}
    report = fetch([server.url("/gone"), server.url("/late"), server.url("/broken")], retries=3)
    assert report.reasons == {"status 404": 1, "status 502": 1}
    assert report.downloaded == 1
    assert server.asked == {"/gone": 1, "/late": 3, "/broken": 4}
    assert why_not(pictures, server.url("/gone")) == "not fetched: status 404 Not Found"
    assert "not fetched yet" in why_not(pictures, server.url("/never-asked"))


def test_a_server_that_asks_to_wait_is_left_alone_for_as_long(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": after([page(429, Retry_After="1")], picture(1)), "/b": picture(2)}
    started = time.monotonic()
    assert fetch([server.url("/a"), server.url("/b")], per_host=1).downloaded == 2
    assert 1 <= time.monotonic() - started < 3


def test_a_server_that_asks_to_wait_for_hours_has_failed(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": page(429, Retry_After="7200")}
    assert fetch([server.url("/a")]).reasons == {"status 429": 1}
    assert server.asked["/a"] == 1


def test_cut_connections_are_asked_again(server: PictureServer, fetch: Fetch, pictures: Path) -> None:
    server.pages = {
        "/half": after([cut(png(1)), hang_up], picture(1)),
        "/always": cut(png(2)),
        "/unframed": cut(png(3), framed=False),
    }
    report = fetch([server.url(path) for path in server.pages], retries=2)
    assert report.reasons == {"connection cut": 2}
    assert server.asked == {"/half": 3, "/always": 3, "/unframed": 3}
    assert read(pictures, server.url("/half")) == png(1)
    assert len(files(pictures)) == 1


def test_a_whole_picture_of_untold_length_counts(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": cut(png(3) + bytes(len(png(3))), framed=False)}
    assert fetch([server.url("/a")]).downloaded == 1


def test_a_server_that_drips_has_its_time(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": drip, "/b": picture(1)}
    started = time.monotonic()
    report = fetch([server.url("/a"), server.url("/b")], max_seconds=0.5)
    assert report.reasons == {"timed out": 1}
    assert report.downloaded == 1
    assert time.monotonic() - started < 3


def test_an_endless_body_is_cut_off(server: PictureServer, fetch: Fetch) -> None:
    sent: list[int] = []
    server.pages = {"/endless": endless(sent), "/told": page(200, b"", Content_Length=str(10**12))}
    report = fetch([server.url("/endless"), server.url("/told")], max_bytes=2**20)
    assert report.reasons == {"too many bytes": 2}
    assert sum(sent) < 32 * 2**20  # what the buffers between two sockets take


def test_a_picture_of_too_many_pixels_is_refused(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": picture(1)}
    report = fetch([server.url("/a")], max_pixels=1000)
    assert report.examples["too many pixels"].endswith("48 x 64 is over 1,000 pixels")


def test_redirects_are_followed_to_a_limit(server: PictureServer, fetch: Fetch, pictures: Path) -> None:
    server.pages = {
        "/moved": redirect("there.png"),
        "/there.png": picture(1, '"v1"'),
        "/round": redirect("/round"),
        "/file": redirect("file:///etc/passwd"),
        "/odd": redirect("http://[::1/x"),
    }
    addresses = [server.url(path) for path in ("/moved", "/round", "/file", "/odd")]
    report = fetch(addresses, max_redirects=3)
    assert report.reasons == {"bad address": 2, "too many redirects": 1}
    assert server.asked["/round"] == 4
    assert read(pictures, server.url("/moved")) == png(1)
    assert fetch(addresses[:1]).unchanged == 1


def test_a_body_that_was_packed_for_the_way_is_unpacked(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {
        "/a": page(200, gzip.compress(png(1)), Content_Encoding="gzip"),
        "/b": page(200, png(2), Content_Encoding="gzip"),
    }
    report = fetch([server.url("/a"), server.url("/b")])
    assert report.reasons == {"not decodable": 1}
    assert read(pictures, server.url("/a")) == png(1)


def test_what_may_pass_keeps_the_earlier_picture_and_what_will_not_drops_it(
    server: PictureServer, fetch: Fetch, pictures: Path
) -> None:
    server.pages = {"/busy": picture(1, '"v1"'), "/gone": picture(2, '"v1"')}
    addresses = [server.url("/busy"), server.url("/gone")]
    fetch(addresses)
    server.pages = {"/busy": page(503)}
    report = fetch(addresses, retries=0)
    assert (report.failed, report.kept) == (2, 1)
    assert read(pictures, addresses[0]) == png(1)
    assert "404" in why_not(pictures, addresses[1])
    server.pages = {"/busy": picture(1, '"v1"')}
    assert fetch(addresses).unchanged == 1


def test_credentials_are_sent_and_never_written(server: PictureServer, fetch: Fetch, pictures: Path) -> None:
    def guarded(handler) -> None:  # type: ignore[no-untyped-def]
        sent = handler.headers.get("Authorization")
        (picture(1) if sent == "Basic bWU6c2VjcmV0" else page(401))(handler)

    server.pages = {"/a": guarded, "/to": redirect(server.url("/plain", "localhost")), "/plain": picture(2)}
    with_password = server.url("/a", "me:secret@127.0.0.1")
    report = fetch(
        [with_password, server.url("/no", "me:secret@127.0.0.1"), server.url("/to", "x:secret@127.0.0.1")]
    )
    assert report.downloaded == 2
    assert "secret" not in str(report)
    assert read(pictures, with_password) == read(pictures, server.url("/a")) == png(1)
    assert "Authorization" not in dict(server.headers)["/plain"]
    for path in pictures.iterdir():
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_cookies_are_not_kept(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": page(200, png(1), Set_Cookie="id=1"), "/b": picture(2)}
    fetch([server.url("/a"), server.url("/b")], parallel=1)
    assert all("Cookie" not in headers for _, headers in server.headers)


def test_an_etag_that_cannot_be_sent_back_is_left_out(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": picture(1, '"v\xe9"')}
    assert fetch([server.url("/a")]).downloaded == 1
    assert fetch([server.url("/a")]).unchanged == 1


def test_one_bad_address_does_not_end_the_run(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {"/a": picture(1), "/garbage": lambda handler: handler.wfile.write(b"no HTTP\r\n\r\n")}
    bad = [
        "http://",
        "http://[::1",
        "http://x y/",
        "ftp://shop/a",
        "http://\x00/",
        "http://a:b:c/",
        "http:///x",
    ]
    report = fetch([*bad, server.url("/garbage"), server.url("/a")], retries=0)
    assert (report.downloaded, report.failed) == (1, len(bad) + 1)
    assert report.reasons["bad address"] >= 5
    assert "unexpected" not in report.reasons
