from __future__ import annotations

from pathlib import Path

import pytest
from support.browsers import needs_chromium

from itemsearch.benchmarks.experiments.desk_story import tell


@needs_chromium
@pytest.mark.slow
def test_of_what_was_decided_nothing_comes_back(tmp_path: Path) -> None:
    story = tell(tmp_path, products=60, reviewed=5, pictures=tmp_path / "pictures")
    assert story["the night"]["automatic"] > 5
    assert story["accepted in one step"].startswith(f"Accept {story['the night']['automatic']} groups")
    down, _ = story["taken down, of which wrong"]
    assert down == sum(story["exported"][action] for action in ("take down", "redirect")) > 5
    assert story["come back"] == 0
    assert sum(story["a second export"].values()) == 0
    assert {path.name for path in (tmp_path / "pictures").iterdir()} >= {"accept.webp", "decisions.webp"}
