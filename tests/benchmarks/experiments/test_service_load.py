from __future__ import annotations

import json
from pathlib import Path

from itemsearch.benchmarks.experiments.service_load import Figures, Load, compare, run


def test_clients_are_answered_as_if_alone(index: Path) -> None:
    report = run(index, Load(clients=4, seconds=1.0, awkward=3), workers=1)
    for kind in ("id", "title", "both"):
        figures = report[kind]
        assert figures["answers"] > 10
        assert (figures["errors"], figures["awkward_errors"], figures["other_listings"]) == (0, 0, 0)
        assert 0 < figures["p50"] <= figures["p99"]


def test_what_differs_is_counted() -> None:
    def answer(*hits: tuple[str, float]) -> bytes:
        return json.dumps({"results": [{"id": id, "score": score} for id, score in hits]}).encode()

    figures, idle = Figures(), answer(("a", 0.75), ("b", 0.5))
    compare(idle, idle, figures)
    compare(answer(("a", 0.75), ("b", 0.25)), idle, figures)
    compare(answer(("a", 0.75), ("c", 0.5)), idle, figures)
    assert (figures.other_scores, figures.other_listings, figures.largest_difference) == (2, 1, 0.25)
