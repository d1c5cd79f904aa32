from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.services import Running, served


@pytest.fixture(scope="module")
def running(index: Path) -> Iterator[Running]:
    with served(index) as each:
        yield each
