"""Listings that lost their picture in a catalog of pictures are never automatic by their titles alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, jpeg, listing, opened

from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.indexes.progress import silent

PLACES = {"title": slice(0, 8), "picture": slice(8, 16)}


def catalog(lost: int, seed: int = 0) -> list[dict]:
    """600 products, in pairs of siblings under all but one title, every tenth listed again with its picture.

    The last `lost` products lost their pictures, and what their embeddings said of these.
    """
    rng = np.random.default_rng(seed)
    names = rng.standard_normal((300, 8))
    made = []
    for number in range(600):
        vector = np.zeros(16)
        vector[PLACES["title"]] = names[number // 2] + 0.02 * rng.standard_normal(8)
        vector[PLACES["picture"]] = rng.standard_normal(8)
        title = f"{'shirt' if number % 2 else 'plain shirt'} of house {number // 2 * 7919 % 1000}"
        gone = number >= 600 - lost
        if gone:
            vector[PLACES["picture"]] = 0
        made.append(_listing(f"{number:04d}", title, vector, None if gone else jpeg(number)))
        if number % 10 == 0 and not gone:
            vector[PLACES["picture"]] += 0.1 * rng.standard_normal(8)
            made.append(_listing(f"{number:04d}-again", f"new {title}", vector, jpeg(number, 70)))
    return made


def _listing(id: str, title: str, vector: np.ndarray, picture: bytes | None) -> dict:
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return listing(id, title, unit, picture, seller="s")


@pytest.mark.parametrize("lost", [60, 20])
def test_siblings_without_pictures_are_never_automatic(tmp_path: Path, lost: int) -> None:
    engine, out = opened(build(tmp_path, catalog(lost))), tmp_path / "out"
    report = find_duplicates(engine, out, RunConfig(min_precision=0.8), silent)
    pairs = pq.read_table(out / "pairs.parquet").to_pylist()
    gone = {f"{number:04d}" for number in range(600 - lost, 600)}
    duplicates = [pair for pair in pairs if pair["decision"] == "duplicate"]
    assert len(duplicates) >= 20
    assert not [pair for pair in duplicates if {pair["id_a"], pair["id_b"]} & gone]
    of_lost = [pair for pair in pairs if {pair["id_a"], pair["id_b"]} & gone]
    assert len(of_lost) >= lost // 4  # they are offered
    assert all(pair["doubt"] == "a picture is missing" for pair in of_lost)
    assert report.pairs["review"] <= 300


def test_a_catalog_of_few_pictures_goes_by_titles(tmp_path: Path) -> None:
    made = catalog(0)
    for each in made[::5]:
        each |= {"thumbnail": None, "has_image": False}
    engine, out = opened(build(tmp_path, made)), tmp_path / "out"
    find_duplicates(engine, out, RunConfig(), silent)
    doubts = pq.read_table(out / "pairs.parquet")["doubt"].to_pylist()
    assert "a picture is missing" not in doubts
