from __future__ import annotations

import json
from pathlib import Path

from itemsearch import Engine
from itemsearch.benchmarks.experiments.service_load import Figures, Load, compare, make_index, run


def test_clients_are_answered_as_if_alone(index: Path) -> None:
    report = run(index, Load(clients=4, seconds=1.0, awkward=3), workers=1)
    for kind in ("id", "title", "both"):
        figures = report[kind]
        assert figures["answers"] > 10
        assert (figures["errors"], figures["awkward_errors"], figures["other_listings"]) == (0, 0, 0)
        assert 0 < figures["p50"] <= figures["p99"]
        assert figures["cpu_ms"] > 0.1
        assert figures["client_cpu_ms"] > 0.01


def test_a_made_index_can_be_asked_by_title(tmp_path: Path) -> None:
    for _ in range(2):
        make_index(tmp_path / "index", 3000, 0.9)
    assert len(Engine.open(tmp_path / "index").search(title="red kettle").hits) == 10
    assert [path.name for path in (tmp_path / "index" / "versions").iterdir()] == ["00000001"]


def test_what_differs_is_counted() -> None:
    def answer(*hits: tuple[str, float]) -> bytes:
        return json.dumps({"results": [{"id": id, "score": score} for id, score in hits]}).encode()

    figures, idle = Figures(), answer(("a", 0.75), ("b", 0.5))
    compare(idle, idle, figures)
    compare(answer(("a", 0.75), ("b", 0.25)), idle, figures)
    compare(answer(("a", 0.75), ("c", 0.5)), idle, figures)
    assert (figures.other_scores, figures.other_listings, figures.largest_difference) == (2, 1, 0.25)
