from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from itemsearch.attributes.identifiers import has_check_digit
from itemsearch.benchmarks.data.made_listings import MadeEncoder, made_listings
from itemsearch.benchmarks.experiments.duplicates_scale import ScaleConfig, report, run, write_feed
from itemsearch.benchmarks.metrics.child import ChildCost
from itemsearch.catalog import CatalogConfig, open_catalog


def test_listings_depend_on_the_seed_alone_and_families_on_their_number() -> None:
    made = list(made_listings(300, 0))
    assert made == list(made_listings(300, 0)) != list(made_listings(300, 1))
    assert len({each.id for each in made}) == 300
    later = next(number for number, each in enumerate(made) if each.id.startswith("0000010-"))
    assert made[later:] == list(made_listings(300 - later, 0, first_family=10))
    gtins = [each.carried[3] for each in made if each.carried[3]]
    assert gtins
    assert all(map(has_check_digit, gtins))


def test_a_relisting_is_nearer_than_most_siblings_and_these_than_others() -> None:
    made = list(made_listings(400, 0))
    images = [Image.open(BytesIO(each.picture)) for each in made]
    vectors = MadeEncoder(0).encode([each.title for each in made], images)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alike = vectors @ vectors.T
    places = range(1, len(made))
    again = [alike[place, place - 1] for place in places if made[place].id.endswith("again")]
    family = [
        alike[place, place - 1]
        for place in places
        if made[place].id[:7] == made[place - 1].id[:7] and not made[place].id.endswith("again")
    ]
    assert np.median(again) > np.median(family) > np.quantile(alike, 0.9)


def test_a_feed_lists_some_listings_again_and_others_that_are_new(tmp_path: Path) -> None:
    write_feed(tmp_path / "feed.parquet", ScaleConfig(500, (100,), 0), 100)
    batches = open_catalog(CatalogConfig(str(tmp_path / "feed.parquet"))).batches()
    rows = [row for batch in batches for row in batch.items]
    known = {f"{each.id}-incoming" for each in made_listings(500, 0)}
    assert len(rows) == 100
    assert sum(row.id in known for row in rows) == 30
    assert not {row.id for row in rows} & {each.id for each in made_listings(500, 0)}


def test_the_report_has_a_row_for_each_command() -> None:
    costs = {"duplicates": ChildCost(12.34, 23.45, 3_000_000_000, 1_500_000_000)}
    assert "| duplicates | 12.3 | 23.4 | 1,500 | 3,000 |" in report(ScaleConfig(1000, (), 0), costs)


@pytest.mark.slow
def test_costs_stay_within_generous_bounds(tmp_path: Path) -> None:
    """About three times what they cost on a quiet machine of two cores."""
    metrics = run(ScaleConfig(20_000, (10_000, 20_000), 0), tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    duplicates, feed, twice = metrics["costs"].values()
    assert duplicates["cpu_seconds"] < 60
    assert duplicates["own_bytes"] < 1.2e9
    assert feed["cpu_seconds"] < 90
    assert twice["own_bytes"] < 1.2 * feed["own_bytes"], "memory grows with the feed"
