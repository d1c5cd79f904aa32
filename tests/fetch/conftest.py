from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.picture_server import PictureServer

from itemsearch.fetch import schedule
from itemsearch.fetch.run import fetch_pictures
from itemsearch.fetch.types import FetchConfig, FetchReport
from itemsearch.indexes.progress import silent

Fetch = Callable[..., FetchReport]


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    """Fetches into the folder `pictures`, from this machine too, and retries without long waits."""
    monkeypatch.setattr(schedule, "BACKOFF_SECONDS", 0.01)

    def call(addresses: Sequence[str], trusted: Any = None, **settings: Any) -> FetchReport:
        config = FetchConfig(**{"allow_private": True, **settings})
        report = fetch_pictures(addresses, tmp_path / "pictures", config, silent, trusted)
        assert report.addresses == report.downloaded + report.unchanged + report.failed
        assert sum(report.reasons.values()) == report.failed
        return report

    return call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return tmp_path / "pictures"
