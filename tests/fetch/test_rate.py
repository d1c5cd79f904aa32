"""10,000 pictures in one run, beside the bare client."""

from __future__ import annotations

from pathlib import Path

import pytest

from itemsearch.benchmarks.experiments.fetch_rate import measure


def test_few_pictures_are_accounted_for(tmp_path: Path) -> None:
    rates = measure(tmp_path, pictures=60, at_once=8, rounds=1)
    assert (rates.unchanged_asked, rates.unchanged_bodies) == (60, 0)
    assert (rates.changed, rates.changed_bodies) == (1, 1)


@pytest.mark.slow
def test_ten_thousand_pictures_at_the_rate_of_the_bare_client(tmp_path: Path) -> None:
    rates = measure(tmp_path, pictures=10_000, at_once=32, rounds=3)
    assert (rates.unchanged_asked, rates.unchanged_bodies) == (10_000, 0)
    assert (rates.changed, rates.changed_bodies) == (100, 100)
    # Processor time: the rate depends on what else the machine does.
    assert rates.cpu_ratio > 0.6
