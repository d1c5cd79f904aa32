"""Kills, other writers, and what is damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from fetch.conftest import Fetch
from support.picture_server import Handler, PictureServer, picture, png

from itemsearch.errors import FetchError
from itemsearch.fetch import run, state
from itemsearch.fetch.state import FetchState
from itemsearch.fetched import FetchedPictures

SCRIPT = """
import sys
from pathlib import Path
from itemsearch.fetch import run
from itemsearch.fetch.types import FetchConfig

run.SAVED_TOGETHER, run.SAVED_SECONDS = 4, 0.02
config = FetchConfig(allow_private=True, per_host=2)
run.fetch_pictures(sys.argv[2:], Path(sys.argv[1]), config, lambda step, done, *more: print(done, flush=True))
"""


def slow(seed: int, etag: str = ""):  # type: ignore[no-untyped-def]
    def answer(handler: Handler) -> None:
        time.sleep(0.01)
        picture(seed, etag)(handler)

    return answer


def held(pictures: Path, addresses: list[str]) -> int:
    """How many addresses have a picture; each that has one has a whole one."""
    query = "SELECT address FROM addresses WHERE content_hash IS NOT NULL"
    database = sqlite3.connect(pictures / "fetched.sqlite")
    have = [row[0] for row in database.execute(query)]
    database.close()
    with FetchedPictures.open(pictures) as fetched:
        for address in have:
            assert fetched.path_of(address).read_bytes() == png(addresses.index(address))
    return len(have)


def test_a_killed_run_is_resumed_where_it_was(server: PictureServer, fetch: Fetch, pictures: Path) -> None:
    server.pages = {f"/{number}": slow(number) for number in range(60)}
    addresses = [server.url(path) for path in server.pages]
    killed = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(pictures), *addresses], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    for line in killed.stdout:
        if int(line) >= 20:
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.wait()
    killed.stdout.close()
    done = held(pictures, addresses)
    assert 16 <= done < 60
    asked = server.asked.total()
    (pictures / "pictures" / "00").mkdir(exist_ok=True)
    (pictures / "pictures" / "00" / ("0" * 64 + ".png")).write_bytes(b"left by a killed writer")
    report = fetch(addresses)
    assert (report.downloaded, report.resumed) == (60, done)
    assert server.asked.total() - asked == 60 - done
    assert held(pictures, addresses) == 60
    assert len(list((pictures / "pictures").rglob("*.*"))) == 60
    assert fetch(addresses).resumed == 0


@pytest.mark.parametrize("step", range(1, 24, 3))
def test_a_run_that_dies_at_any_step_leaves_whole_pictures_alone(
    server: PictureServer, fetch: Fetch, pictures: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A step is half a picture, the rest of it, or a transaction; the process dies at it."""
    server.pages = {f"/{number}": picture(number, '"v"') for number in range(8)}
    addresses = [server.url(path) for path in server.pages]
    steps = 0

    class DiedError(Exception):
        pass

    def dying(call):  # type: ignore[no-untyped-def]
        def step_or_die(*arguments: object) -> object:
            nonlocal steps
            steps += 1
            if steps >= step:
                raise DiedError
            return call(*arguments)

        return step_or_die

    def half_written(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            rest(file, content[len(content) // 2 :])

    rest = dying(lambda file, content: file.write(content))
    with monkeypatch.context() as patch:
        patch.setattr(run, "SAVED_TOGETHER", 2)
        patch.setattr(Path, "write_bytes", dying(half_written))
        patch.setattr(FetchState, "save", dying(FetchState.save))
        patch.setattr(FetchState, "finish", dying(FetchState.finish))
        with pytest.raises(DiedError):
            fetch(addresses)
    done = held(pictures, addresses)
    report = fetch(addresses)
    assert (report.downloaded, report.failed, report.resumed) == (8, 0, done)
    assert held(pictures, addresses) == 8


def test_after_a_crash_of_the_machine_pictures_are_checked(
    server: PictureServer, fetch: Fetch, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash may leave a file of the right length with nothing in it."""
    server.pages = {f"/{number}": picture(number, '"v"') for number in range(4)}
    addresses = [server.url(path) for path in server.pages]
    with monkeypatch.context() as patch:
        patch.setattr(FetchState, "finish", lambda state: None)
        fetch(addresses)
    with FetchedPictures.open(pictures) as fetched:
        path = fetched.path_of(addresses[2])
    path.write_bytes(bytes(path.stat().st_size))
    report = fetch(addresses)
    assert (report.downloaded, report.resumed) == (4, 3)
    assert server.asked.total() == 5
    assert held(pictures, addresses) == 4


def test_a_run_that_was_stopped_the_day_before_is_begun_anew(
    server: PictureServer, fetch: Fetch, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages = {"/a": picture(0, '"v"')}
    monkeypatch.setattr(FetchState, "finish", lambda state: None)
    fetch([server.url("/a")])
    report = fetch([server.url("/a")])
    assert (report.downloaded, report.resumed) == (1, 1)
    monkeypatch.setattr(state, "RESUME_SECONDS", 0)
    report = fetch([server.url("/a")])
    assert (report.unchanged, report.resumed) == (1, 0)


def test_a_second_writer_is_refused(server: PictureServer, fetch: Fetch) -> None:
    server.pages = {f"/{number}": slow(number) for number in range(60)}
    addresses = [server.url(path) for path in server.pages]
    first = Thread(target=fetch, args=(addresses,), kwargs={"per_host": 1})
    first.start()
    try:
        while not server.asked:
            time.sleep(0.01)
        with pytest.raises(FetchError, match="another process is writing to this folder of pictures"):
            fetch(addresses)
    finally:
        first.join()


def test_the_folder_of_something_else_is_refused(fetch: Fetch, pictures: Path) -> None:
    pictures.mkdir()
    (pictures / "holiday.jpg").write_bytes(b"")
    with pytest.raises(FetchError, match=r"holds holiday\.jpg, which is no fetched picture's"):
        fetch([])
    assert list(pictures.iterdir()) == [pictures / "holiday.jpg"]


def test_a_file_in_place_of_the_folder_is_refused(fetch: Fetch, pictures: Path) -> None:
    pictures.write_bytes(b"")
    with pytest.raises(FetchError, match="a file; pictures go to a folder"):
        fetch([])


def test_a_damaged_state_is_told_in_one_line(server: PictureServer, fetch: Fetch, pictures: Path) -> None:
    server.pages = {"/a": picture(0)}
    fetch([server.url("/a")])
    (pictures / "fetched.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(FetchError, match=r"fetched\.sqlite.*remove it") as error:
        fetch([server.url("/a")])
    assert "\n" not in str(error.value)
    with pytest.raises(FetchError, match=r"fetched\.sqlite: cannot be read"):
        FetchedPictures.open(pictures)


def test_a_full_disk_is_told_in_one_line(
    server: PictureServer, fetch: Fetch, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    server.pages = {f"/{number}": picture(number) for number in range(5)}
    addresses = [server.url(path) for path in server.pages]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(FetchError, match="the disk is full"):
            fetch(addresses)
    assert fetch(addresses).downloaded == 5


def test_progress_ends_at_every_address(server: PictureServer, tmp_path: Path) -> None:
    server.pages = {"/a": picture(0)}
    shown: list[tuple[object, ...]] = []
    config = run.FetchConfig(allow_private=True, retries=0)
    run.fetch_pictures(
        [server.url("/a"), server.url("/b")],
        tmp_path / "pictures",
        config,
        lambda *counts: shown.append(counts),
    )
    assert shown[-1] == ("pictures fetched", 2, 2, "1 failed")


def test_an_unwritten_folder_has_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no fetched pictures there: run `itemsearch fetch CATALOG --out"):
        FetchedPictures.open(tmp_path / "nowhere")
