"""A service follows the index that it serves."""

from __future__ import annotations

import gc
import shutil
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest
from support.seeded_stores import expected_hits, write_vectors
from support.services import Running, served

from itemsearch.indexes.storage.versions import CURRENT, version_folder
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.versions import roll_back_index
from itemsearch.service import current


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "SECONDS_BETWEEN_LOOKS", 0.02)


def publish(index: Path, seed: int) -> Path:
    build_index_folder(write_vectors(index.parent, seed), index, IndexConfig(keep=2))
    return index


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def opened(running: Running) -> int:
    return running.service.engine.summary.version


class Client(Thread):
    """Asks for one listing again and again; notes the versions it was answered from, and what was wrong."""

    def __init__(self, url: str, end: Event) -> None:
        super().__init__()
        self.url, self.end = url, end
        self.seeds: set[int] = set()
        self.wrong: list[str] = []
        self.answers = 0

    def run(self) -> None:
        with httpx2.Client(base_url=self.url, timeout=30) as client:
            while not self.end.is_set():
                response = client.post("/search", json={"id": "7", "k": 5})
                hits = response.json().get("results", [])
                said = {hit["title"] for hit in hits}
                self.answers += 1
                seed = int(min(said, default="seed 0").removeprefix("seed "))
                self.seeds.add(seed)
                if len(said) != 1 or [hit["id"] for hit in hits] != expected_hits(seed):
                    self.wrong.append(response.text)


def test_new_versions_are_opened_while_four_clients_ask(tmp_path: Path) -> None:
    index, end = publish(tmp_path / "index", 1), Event()
    with served(index) as running:
        clients = [Client(running.url, end) for _ in range(4)]
        for client in clients:
            client.start()
        for seed in range(1, 8):
            if seed > 1:
                publish(index, seed)
            wait_for(lambda seed=seed: all(seed in client.seeds for client in clients))
        end.set()
        for client in clients:
            client.join()
        assert [client.wrong for client in clients] == [[]] * 4
        assert all(7 in client.seeds for client in clients)
        assert set.union(*(client.seeds for client in clients)) == set(range(1, 8))
        assert running.metric("itemsearch_index_version") == 7
        assert running.metric("itemsearch_open_failures_total") == 0


def test_a_version_that_is_replaced_is_let_go(tmp_path: Path) -> None:
    index = publish(tmp_path / "index", 1)
    with served(index) as running:
        running.post("/search", {"id": "7"})
        first = weakref.ref(running.service.engine)
        publish(index, 2)
        wait_for(lambda: opened(running) == 2)
        running.post("/search", {"id": "7"})
        wait_for(lambda: bool(gc.collect()) or first() is None)
        assert first() is None


def test_a_rollback_and_an_index_built_anew_are_followed(tmp_path: Path) -> None:
    index = publish(publish(tmp_path / "index", 1), 2)
    with served(index) as running:
        roll_back_index(index)
        wait_for(lambda: opened(running) == 1)
        shutil.rmtree(index)
        publish(index, 3)
        wait_for(lambda: running.post("/search", {"id": "7", "k": 1})["results"][0]["title"] == "seed 3")
        assert opened(running) == 1


def test_a_damaged_version_is_not_served(tmp_path: Path) -> None:
    index = publish(tmp_path / "index", 1)
    with served(index) as running:
        whole = (index / CURRENT).read_bytes()
        (index / CURRENT).write_bytes(b"cut")
        wait_for(lambda: running.metric("itemsearch_open_failures_total") == 1)
        assert running.post("/search", {"id": "7"})["version"] == 1
        (index / CURRENT).write_bytes(whole)
        shutil.move(version_folder(index, 1), tmp_path / "gone")
        assert running.post("/search", {"id": "7", "k": 40})["version"] == 1
        publish(index, 2)
        wait_for(lambda: opened(running) == 2)
        assert running.client.get("/version").json()["version"] == 2
        assert running.metric("itemsearch_open_failures_total") == 1


def test_the_model_is_loaded_once(store: Path, tmp_path: Path) -> None:
    build_index_folder(store, tmp_path / "index")
    with served(tmp_path / "index") as running:
        encoder = running.service.engine.encoder
        build_index_folder(store, tmp_path / "index")
        wait_for(lambda: opened(running) == 2)
        assert running.service.engine.encoder is encoder
        assert running.post("/search", {"title": "red mug"})["version"] == 2
