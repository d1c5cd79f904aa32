from __future__ import annotations

from pathlib import Path

import pytest

from itemsearch.benchmarks.experiments.review_load import ReviewLoad, fields_of, run


def test_pages_and_decisions_are_timed(tmp_path: Path) -> None:
    figures = run(ReviewLoad(groups=25, decisions=12), tmp_path)
    for kind in ("pages", "pages_after"):
        assert all(0 < times["p50"] <= times["p99"] for times in figures[kind].values())
    assert figures["decision"]["p50"] > 0
    assert len(figures["megabytes"]) == 1
    again = run(ReviewLoad(groups=25, decisions=1), tmp_path)  # of decisions of the last run none are left
    assert again["page_after_it"]["first"] > 0


def test_fields_are_those_of_the_first_form() -> None:
    field = '<input type="hidden" name="{}" value="{}">'
    fields = field.format("part", "a&amp;b") + field.format("part", "c")
    form = f'<form class="actions" action="/decide">{fields}</form>'
    assert fields_of(f"<p>{form}</p>{form}") == {"part": ["a&b", "c"]}
    with pytest.raises(SystemExit, match="no group is left"):
        fields_of("<p>No groups here.</p>")
