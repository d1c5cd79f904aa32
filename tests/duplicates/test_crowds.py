"""One listing many times over: all copies are compared with each other, and are one group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, crowd, listing, opened, some_listings

from itemsearch.duplicates.pairs.candidates import LANDMARKS, CandidateConfig, Candidates
from itemsearch.duplicates.pairs.join import JoinConfig
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.indexes.progress import silent
from itemsearch.search.filter import NO_FILTER


def config(neighbours: int) -> RunConfig:
    return RunConfig(JoinConfig(candidates=CandidateConfig(neighbours=neighbours)))


@pytest.mark.parametrize("neighbours", [5, 20])
@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_sixty_near_identical_listings_are_one_group(tmp_path: Path, neighbours: int, noise: float) -> None:
    made = [*some_listings(200), *crowd(60, noise=noise)]
    engine, out = opened(build(tmp_path, made)), tmp_path / "out"
    find_duplicates(engine, out, config(neighbours), silent)
    members = pq.read_table(out / "groups.parquet").to_pylist()
    groups = {each["group_id"] for each in members if each["id"].startswith("crowd")}
    assert len(groups) == 1
    of_group = [each for each in members if each["group_id"] in groups]
    assert {each["id"] for each in of_group} == {f"crowd-{number:03d}" for number in range(60)}
    pairs = pq.read_table(out / "pairs.parquet").to_pylist()
    sure = [pair["probability"] for pair in pairs if pair["id_a"] >= "crowd" and pair["id_b"] >= "crowd"]
    assert np.median(sure) > 0.9


@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_identical_listings_are_one_group(tmp_path: Path, neighbours: int) -> None:
    vector = np.eye(16, dtype=np.float32)[0]
    copies = [listing(f"p{number:03d}", "plain white mug", vector, seller="s") for number in range(120)]
    engine, out = opened(build(tmp_path, [*some_listings(200), *copies])), tmp_path / "out"
    find_duplicates(engine, out, config(neighbours), silent)
    members = pq.read_table(out / "groups.parquet").to_pylist()
    groups = {each["group_id"] for each in members if each["id"].startswith("p")}
    assert len(groups) == 1
    assert sum(each["group_id"] in groups for each in members) == 120


def test_who_has_only_strong_neighbours_is_asked_for_more(tmp_path: Path) -> None:
    far = [
        listing(f"x{number}", f"thing {number}", vector, seller="s")
        for number, vector in enumerate(np.eye(16, dtype=np.float32))
    ]
    engine = opened(build(tmp_path, [*far, *crowd(60)]))
    candidates = Candidates(
        engine, engine.prepare_filter(NO_FILTER), CandidateConfig(neighbours=3), (), changed=None
    )
    one, other = candidates.split(candidates.near(candidates.representatives))
    ids = np.array(engine.listings["id"].to_pylist())
    of_crowd = np.char.startswith(ids, "crowd")
    assert (of_crowd[one] & of_crowd[other]).sum() == 60 * 59 // 2
    assert (~of_crowd[one] & ~of_crowd[other]).sum() <= 16 * 3


def test_where_a_crowd_is_too_large_all_of_it_is_compared_with_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itemsearch.duplicates.pairs.candidates.MOST_ASKED", 0)
    engine = opened(build(tmp_path, [*some_listings(40), *crowd(200)]))
    candidates = Candidates(
        engine, engine.prepare_filter(NO_FILTER), CandidateConfig(neighbours=10), (), changed=None
    )
    one, other = candidates.split(candidates.near(candidates.representatives))
    of_crowd = np.char.startswith(np.array(engine.listings["id"].to_pylist()), "crowd")
    inside = of_crowd[one] & of_crowd[other]
    compared = np.bincount(np.concatenate([one[inside], other[inside]]), minlength=240)[of_crowd]
    assert np.count_nonzero(compared == 199) >= LANDMARKS
    assert compared.min() >= LANDMARKS
    assert inside.sum() < 200 * (10 + LANDMARKS)
